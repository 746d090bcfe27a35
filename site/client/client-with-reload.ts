// The client of the served site: loads the page again when the site was built again.
import "./client.ts";

new EventSource("/reload").addEventListener("message", () => location.reload());
