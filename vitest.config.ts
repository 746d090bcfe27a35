// Two projects. `course` holds the tests of the course itself: `npm test`. `checks` holds the lessons' checks; they
// are run by `npm run check`, which starts vitest itself (checker/grading/engine.ts), and never by `npm test`.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "course",
          include: ["tests/**/*.test.ts", "checker/**/*.test.ts", "site/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      { test: { name: "checks", include: ["lessons/*/checks.ts"] } },
    ],
  },
});
