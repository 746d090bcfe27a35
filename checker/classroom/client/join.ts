// The page to join: shows the command with the address under which this page was reached.
const command = document.getElementById("command");
if (command) command.textContent = `npm run join ${location.origin}/`;
