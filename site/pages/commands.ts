// The reference of the commands, made of the commands themselves; what the README says around its own table stands around it.
import type { Command } from "commander";
import { commands } from "../../checker/cli/main.ts";
import { siteCommand } from "../command.ts";
import { type Html, html, raw } from "../html.ts";
import type { Context } from "./context.ts";
import type { Page } from "./layout.ts";

const path = "commands.html";
const forAuthors = "for authors: ";

/** One way to call a command. */
interface Usage {
  readonly id: string;
  readonly typed: string;
  readonly does: string;
  readonly flags: readonly { readonly typed: string; readonly does: string }[];
}

export function commandsPage({ readme }: Context): Page {
  const all = commands(() => {}).commands;
  const site = siteCommand({ serve: async () => {}, build: async () => {} });
  const learners = [
    ...all
      .filter((command) => !command.description().startsWith(forAuthors))
      .map((command) => usage(command)),
    usage(
      site,
      site.commands.find((each) => each.name() === "serve"),
    ),
    ...site.commands.filter((each) => each.name() === "build").map((each) => usage(each, each, "site")),
  ];
  const authors = all
    .filter((command) => command.description().startsWith(forAuthors))
    .map((command) => usage(command));
  const [before, after] = readme.section("commands").aroundTable();
  return {
    path,
    kind: "reference",
    title: "Commands",
    description: "Every command of the course, and what to do when something is in the way.",
    contents: [
      ...learners.map(({ id, typed }) => ({
        level: 2,
        id,
        text: typed.replace(/^npm (run )?| [[<].*$/g, ""),
      })),
      { level: 2, id: "when-something-is-in-the-way", text: "When something is in the way" },
      { level: 2, id: "for-authors-of-lessons", text: "For authors of lessons" },
    ],
    main: html`<h1 id="commands">Commands</h1>
${before.render(path)}
${learners.map((each) => shown(each, 2))}
${after.render(path)}
<h2 id="when-something-is-in-the-way">When something is in the way</h2>
${readme.section("when-something-is-in-the-way").render(path)}
<h2 id="for-authors-of-lessons">For authors of lessons</h2>
${authors.map((each) => shown(each, 3))}`,
  };
}

/** @param flagsOf the command whose flags these are, when it is another one */
function usage(command: Command, flagsOf = command, parent?: string): Usage {
  const names = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  const called = parent === undefined ? command.name() : `${parent} -- ${command.name()}`;
  return {
    id: parent === undefined ? command.name() : `${parent}-${command.name()}`,
    // npm has a word of its own for this one.
    typed: [called === "start" ? "npm" : "npm run", called, ...names].join(" "),
    does: sentence(command.description().replace(forAuthors, "")),
    flags: flagsOf.options.map(({ flags, description, defaultValue }) => ({
      typed: flags,
      does: sentence(
        defaultValue === undefined ? description : `${description}; ${defaultValue} unless you say`,
      ),
    })),
  };
}

function shown({ id, typed, does, flags }: Usage, level: 2 | 3): Html {
  const heading = raw(`h${level}`);
  return html`<section class="command" aria-labelledby="${id}">
<${heading} id="${id}"><a class="anchor" href="#${id}"><code>${typed}</code></a></${heading}>
<p>${does}</p>
${
  flags.length > 0 &&
  html`<dl class="flags">
${flags.map((flag) => html`<dt><code>${flag.typed}</code></dt><dd>${flag.does}</dd>\n`)}</dl>
`
}</section>
`;
}

function sentence(text: string): string {
  const ended = /[.!?]$/.test(text) ? text : `${text}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}
