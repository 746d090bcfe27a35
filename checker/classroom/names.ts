// A learner's name: what people are really called, and nothing that could be mistaken for another or for markup.
import { createHash } from "node:crypto";

const longest = 40;

/**
 * The name as it is kept: composed, without double spaces.
 * @throws RangeError with a sentence for the person who typed it
 */
export function readName(typed: unknown): string {
  if (typeof typed !== "string") throw new RangeError("A name is needed.");
  // Looked at before anything is made of it: a name may come as a megabyte.
  if (typed.length > 10 * longest) throw tooLong();
  const name = typed.normalize("NFC").replace(/\s+/gu, " ").trim();
  if (name === "") throw new RangeError("The name is empty. Type your name, or what people call you.");
  if ([...name].length > longest) throw tooLong();
  if (/[<>]/u.test(name))
    throw new RangeError("A name cannot contain < or >. Use letters, digits and spaces.");
  // Joiner and variation selector belong to emoji; other invisible characters turn text around or hide in it.
  if (
    /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(name) ||
    /\p{Cf}/u.test(name.replace(/\u200c|\u200d/gu, ""))
  )
    throw new RangeError("The name contains characters that cannot be seen. Type it again by hand.");
  if (/\p{M}{4,}/u.test(name)) throw new RangeError("The name has too many marks on one letter.");
  if (!/[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(name))
    throw new RangeError("A name needs at least one letter or digit.");
  return name;
}

const tooLong = () => new RangeError(`The name is too long: at most ${longest} characters.`);

/** Equal for names that people would take for the same: case, width, accents' spelling and spaces do not count. */
export function nameKey(name: string): string {
  const plain = name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/\s|\u200c|\u200d|\ufe0f/gu, "");
  return createHash("sha256").update(plain).digest("hex").slice(0, 32);
}
