// The style sheet of the drawing. It follows the system's theme, unless the page (or the drawing) says data-theme.

const light =
  "--tl-paper:#fff;--tl-ink:#1f2933;--tl-quiet:#5b6875;--tl-life:#c6cfd8;--tl-lane:#eef2f6;--tl-edge:#aab6c2;--tl-accent:#1d5fbf;--tl-good:#11754a;--tl-warn:#96590a;--tl-bad:#bd2130;--tl-bad-soft:#fdeef0;--tl-good-soft:#e9f6f0;--tl-warn-soft:#fdf3e2";
const dark =
  "--tl-paper:#14181d;--tl-ink:#e4e9ee;--tl-quiet:#98a5b2;--tl-life:#3b4651;--tl-lane:#222a33;--tl-edge:#4d5a67;--tl-accent:#7db2ff;--tl-good:#5ccf9a;--tl-warn:#f0b55d;--tl-bad:#ff7d88;--tl-bad-soft:#38191e;--tl-good-soft:#12301f;--tl-warn-soft:#35270f";

/** CSS for drawings made with `styles: "none"`. Every selector begins with `.tl`; colours are custom properties. */
export const timelineStyles = [
  `.tl{${light};font:12px/1.25 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;color:var(--tl-ink);max-width:56rem}`,
  `@media (prefers-color-scheme:dark){.tl{${dark}}}`,
  `.tl[data-theme="light"],[data-theme="light"] .tl{${light}}`,
  `.tl[data-theme="dark"],[data-theme="dark"] .tl{${dark}}`,
  ".tl text{fill:var(--tl-ink)}",
  ".tl .tl-paper{fill:var(--tl-paper)}",
  ".tl .tl-title{font-size:14px;font-weight:650}",
  ".tl .tl-life{stroke:var(--tl-life);stroke-width:1.5}",
  ".tl .tl-lane text{text-anchor:middle;font-weight:600}",
  ".tl .tl-lane .tl-kind{font-size:10px;font-weight:400;fill:var(--tl-quiet);paint-order:stroke;stroke:var(--tl-paper);stroke-width:4px}",
  ".tl .tl-lane rect{fill:var(--tl-lane);stroke:var(--tl-edge)}",
  ".tl .tl-stream rect,.tl .tl-server rect{fill:var(--tl-accent);stroke:var(--tl-accent)}",
  ".tl .tl-stream text:not(.tl-kind),.tl .tl-server text{fill:var(--tl-paper)}",
  ".tl .tl-time{font-size:11px;fill:var(--tl-quiet);font-variant-numeric:tabular-nums}",
  // The lanes' lines pass behind the words.
  ".tl .tl-words{paint-order:stroke;stroke:var(--tl-paper);stroke-width:4px;stroke-linejoin:round}",
  ".tl .tl-moment{--tl-tone:var(--tl-accent);--tl-soft:var(--tl-lane)}",
  ".tl .tl-is-plain{--tl-tone:var(--tl-accent)}",
  ".tl .tl-is-good{--tl-tone:var(--tl-good);--tl-soft:var(--tl-good-soft)}",
  ".tl .tl-is-warn{--tl-tone:var(--tl-warn);--tl-soft:var(--tl-warn-soft)}",
  ".tl .tl-is-bad{--tl-tone:var(--tl-bad);--tl-soft:var(--tl-bad-soft)}",
  ".tl .tl-is-muted{--tl-tone:var(--tl-quiet)}",
  ".tl .tl-is-warn .tl-words,.tl .tl-is-bad .tl-words{fill:var(--tl-tone);font-weight:600}",
  ".tl .tl-is-muted .tl-words{fill:var(--tl-quiet)}",
  ".tl .tl-line{stroke:var(--tl-tone);stroke-width:1.75}",
  ".tl .tl-held{stroke-dasharray:4 4}",
  ".tl .tl-dot{fill:var(--tl-tone)}",
  ".tl .tl-head{fill:var(--tl-tone)}",
  ".tl .tl-cross{stroke:var(--tl-tone);stroke-width:2.5;stroke-linecap:round;fill:none}",
  ".tl .tl-box{fill:var(--tl-soft);stroke:var(--tl-tone);stroke-width:1}",
  ".tl .tl-more .tl-box{fill:var(--tl-paper);stroke:var(--tl-edge);stroke-dasharray:3 3}",
  ".tl .tl-band .tl-words,.tl .tl-more .tl-words{stroke:none}",
].join("\n");
