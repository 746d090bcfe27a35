// Plays a recorded timeline: the moments appear in their order, at their pace, one by one, or where the slider stands.

/** No pause in a played timeline is longer, in milliseconds: a long outage is dull to wait for. */
const longestPause = 1200;
const shortestPause = 350;

export function playTimelines(): void {
  for (const drawing of document.querySelectorAll<HTMLElement>(".timeline .drawing")) addPlayer(drawing);
}

function addPlayer(drawing: HTMLElement): void {
  const moments = [...drawing.querySelectorAll<SVGGElement>(".tl-moment")];
  if (moments.length < 2) return;
  const last = moments.length - 1;
  let at = last;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const bar = document.createElement("div");
  bar.className = "player";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Play the timeline");
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = "0";
  slider.max = String(last);
  slider.setAttribute("aria-label", "Moment");

  const show = (moment: number) => {
    at = Math.max(0, Math.min(last, moment));
    moments.forEach((each, i) => {
      each.classList.toggle("to-come", i > at);
      each.classList.toggle("now", i === at && at < last);
    });
    slider.value = String(at);
    slider.setAttribute("aria-valuetext", moments[at]?.querySelector("title")?.textContent ?? "");
  };
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
    play.textContent = "Play";
  };
  const step = () => {
    if (at >= last) return stop();
    const pause = time(moments[at + 1]) - time(moments[at]);
    timer = setTimeout(
      () => {
        show(at + 1);
        step();
      },
      Math.min(longestPause, Math.max(shortestPause, pause)),
    );
  };
  const move = (to: number) => {
    stop();
    show(to);
  };
  const play = button("Play", () => {
    if (timer !== undefined) return stop();
    // Who wants no motion gets the next moment with each press.
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return show(at >= last ? 0 : at + 1);
    show(at >= last ? 0 : at);
    play.textContent = "Pause";
    step();
  });
  const back = button("◀", () => move(at - 1));
  back.setAttribute("aria-label", "One moment back");
  const on = button("▶", () => move(at + 1));
  on.setAttribute("aria-label", "One moment on");
  slider.addEventListener("input", () => move(Number(slider.value)));
  bar.append(play, back, slider, on);
  drawing.before(bar);
  show(last);
}

function time(moment: SVGGElement | undefined): number {
  return Number(moment?.dataset.t ?? 0);
}

function button(text: string, press: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", press);
  return made;
}
