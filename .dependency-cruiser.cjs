// Arrows of the house point one way. Each room names the rooms that it must not reach.
const room = (name) => `^checker/${name}/`;
const never = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    never("no-circles", "A circle has no direction.", {}, { circular: true }),
    never(
      "course-is-the-ground",
      "course knows the lessons on disk and nothing else.",
      { path: room("course") },
      { path: "^checker/(cli|classroom|pages|watch|grading|kit|wire|nats)/" },
    ),
    never(
      "nats-knows-course-only",
      "",
      { path: room("nats") },
      { path: "^checker/(cli|classroom|pages|watch|grading|kit|wire)/" },
    ),
    never(
      "wire-knows-course-only",
      "",
      { path: room("wire") },
      { path: "^checker/(cli|classroom|pages|watch|grading|kit|nats)/" },
    ),
    never(
      "kit-below-grading",
      "",
      { path: room("kit") },
      { path: "^checker/(cli|classroom|pages|watch|grading)/" },
    ),
    never(
      "grading-knows-no-classroom",
      "",
      { path: room("grading") },
      { path: "^checker/(cli|classroom|pages|watch)/" },
    ),
    never("pages-below-cli", "", { path: room("pages") }, { path: "^checker/(cli|classroom|watch)/" }),
    never("watch-below-cli", "", { path: room("watch") }, { path: "^checker/(cli|classroom|pages)/" }),
    never(
      "classroom-below-cli",
      "",
      { path: room("classroom") },
      { path: "^checker/(cli|pages|kit|wire|watch)/" },
    ),
    never(
      "the-dashboard-runs-in-a-browser",
      "Of the classroom it has what needs no Node.",
      { path: "^checker/classroom/client/" },
      { path: "^checker/(?!classroom/(client/|messages|room|summary|insight))|^node:" },
    ),
    never(
      "site-reads-the-course",
      "The site reads lessons through course, lists the commands, and draws with the wire's colours.",
      { path: "^site/" },
      { path: "^checker/(?!course/|cli/main\\.ts|wire/timeline/styles)" },
    ),
    never("nothing-needs-the-site", "", { path: "^(checker|lessons|solutions)/" }, { path: "^site/" }),
    never(
      "checks-import-the-kit",
      "A check imports the kit and, of the exercise, the types (a test sees to that).",
      { path: "^lessons/[^/]+/checks\\.ts$" },
      {
        pathNot: "^(checker/kit/index|lessons/[^/]+/(exercise|lab))\\.ts$",
        dependencyTypesNot: ["npm", "npm-dev", "core"],
      },
    ),
    never(
      "labs-import-the-kit",
      "A lab is played without vitest, and knows the types of the exercise.",
      { path: "^lessons/[^/]+/lab\\.ts$" },
      {
        pathNot: "^(checker/kit/lab|lessons/[^/]+/exercise)\\.ts$",
        dependencyTypesNot: ["npm", "npm-dev", "core"],
      },
    ),
    never(
      "answers-import-nats",
      "What a learner reads imports only nats and its neighbours.",
      { path: "^(solutions/|lessons/[^/]+/exercise\\.ts$)" },
      {
        pathNot: "^(solutions/|node:|node_modules/(nats|node-nats-streaming|@types|@nats-io)/)",
        dependencyTypesNot: ["core"],
      },
    ),
    never(
      "one-engine",
      "vitest's Node API stays behind the engine.",
      { pathNot: "^checker/grading/(engine|in-process-pool)\\.ts$" },
      { path: "node_modules/vitest/dist/(node|worker)" },
    ),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // TypeScript 7 has no JavaScript API that dependency-cruiser could use.
    parser: "swc",
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node"] },
  },
};
