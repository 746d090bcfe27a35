// Runs before the page is painted: the theme that the reader chose, so that nothing flashes.
import { chosenTheme } from "./kept.ts";

const theme = chosenTheme();
if (theme !== "system") document.documentElement.dataset.theme = theme;
document.documentElement.classList.add("scripted");
