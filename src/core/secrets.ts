/**
 * Keeps secrets out of what is told: of every event before anybody hears it, and of every failure
 * that is printed. What a plugin returns and what it was asked to do are data: they stay as they are
 * in the journal and on their way to the backend, and are masked only where they are told.
 */
import { BYTES_MEMBER } from "./bytes.ts";
import type { AgentEvent } from "./events.ts";
import { isJsonObject, type Json } from "./json.ts";

/** A shorter one would be found in words that are none. */
const KNOWN_MIN_CHARS = 8;
/** Stands in a secret's place. */
export const MASK = "[secret]";

/** Of two looks the first is the quick one: most texts have none of these, and no secret. */
const SIGN = /[:=@]|[Bb]earer|--/;
/** Nor has a text without any of these one that could be told by its looks. */
const SUSPECT =
  /authori[sz]ation|bearer |cookie|pass(?:word|wd|phrase)|pwd|secret|token|credential|api.?key|private.?key|code=|:\/\/[^\s/]*@/i;
/** The member of an object, or the word before `=` or `:`, whose value is a secret. */
const NAMES =
  "(?:pass(?:word|wd|phrase)|pwd|secret|token|credentials?|api[-_ ]?key|private[-_ ]?key)";
const SECRET_MEMBER = new RegExp(`(?:${NAMES}|authori[sz]ation|cookies?)$`, "i");
/** Names of members are few, and come again with each line. */
const MEMBERS_KNOWN_MAX = 1_000;
/** What may stand around a name or a value, where one text stands inside of another as well. */
const QUOTES = String.raw`(?:\\*["'])?`;
/** One word, or several in quotes. */
const VALUE = String.raw`(?:"[^"]*"|'[^']*'|\\+"[^"\\]*|[^\s&"'\\]+)`;
/** A name in quotes; the path of a file in quotes, such as "/etc/passwd", names nothing. */
const QUOTED_NAME = String.raw`["'](?![~.]{0,2}\/)[^"'\r\n]{0,80}?${NAMES}\\*["']`;
/** What follows an option in a sentence; in usage it is `<token>`, and another option begins with `-`. */
const NO_VALUE = "(?![-<[]|(?:and|or|is|are|was|must|needs|to|in|on|for|of|from|with|without)\\b)";
/** One of a command line, the value in a word of its own. */
const OPTION = `--[\\w-]{0,80}?${NAMES}`;
const IS_OPTION = new RegExp(`^${OPTION}$`, "i");
const RULES: readonly (readonly [RegExp, string])[] = [
  // Headers, to the end of their line or string: they hold several words.
  [
    rule(String.raw`((?:authori[sz]ation|cookie)${QUOTES}\s*[:=]\s*${QUOTES})[^\r\n"'\\]+`),
    `$1${MASK}`,
  ],
  [rule(String.raw`\b(bearer\s+)[\w.~+/=-]{8,}`), `$1${MASK}`],
  [rule(String.raw`\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@"']+@`), `$1${MASK}@`],
  [rule(String.raw`([?&]code=)[^\s&"'#]+`), `$1${MASK}`],
  [rule(String.raw`((?:${NAMES}|${QUOTED_NAME})\s*[:=]\s*)${VALUE}`), `$1${MASK}`],
  [rule(String.raw`(${OPTION}(?:\s+|${QUOTES}\s*,\s*))${NO_VALUE}${VALUE}`), `$1${MASK}`],
];

function rule(source: string): RegExp {
  return new RegExp(source, "gi");
}

/** A member that always is one. */
const SECRET = "secret";

function isOption(before: Json | undefined): boolean {
  return typeof before === "string" && before.startsWith("--") && IS_OPTION.test(before);
}

export class Secrets {
  readonly #known = new Set<string>();
  readonly #members = new Map<string, boolean>();

  /** From here on this text is masked wherever it stands. One that is too short to tell is not. */
  keep(secret: string | undefined): void {
    if (secret !== undefined && secret.length >= KNOWN_MIN_CHARS) this.#known.add(secret);
  }

  /** The text without what is, or looks like, a secret. */
  readonly masked = (text: string): string => {
    let told = text;
    for (const secret of this.#known) {
      if (told.includes(secret)) told = told.replaceAll(secret, MASK);
    }
    if (!SIGN.test(told) || !SUSPECT.test(told)) return told;
    for (const [pattern, mask] of RULES) told = told.replace(pattern, mask);
    return told;
  };

  /** The same event when it tells no secret. */
  readonly cleaned = (event: AgentEvent): AgentEvent =>
    this.#cleaned(event as unknown as Json) as unknown as AgentEvent;

  /** What has no secret in it is not copied: of a hundred thousand lines few have one. */
  #cleaned(value: Json): Json {
    if (typeof value === "string") return this.masked(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
      const told = value.map((each, index) =>
        isOption(value[index - 1]) ? this.#member(SECRET, each) : this.#cleaned(each),
      );
      return told.some((each, index) => each !== value[index]) ? told : value;
    }
    if (!isJsonObject(value)) return value;
    let told: Record<string, Json> | undefined;
    for (const name in value) {
      const before = value[name] as Json;
      const after = this.#member(name, before);
      if (after === before) continue;
      told ??= { ...value };
      told[name] = after;
    }
    return told ?? value;
  }

  #member(name: string, value: Json): Json {
    if (value === null || value === undefined || value === "") return value;
    if (typeof value === "boolean" || name === BYTES_MEMBER) return value;
    return this.#isSecret(name) ? MASK : this.#cleaned(value);
  }

  #isSecret(name: string): boolean {
    const known = this.#members.get(name);
    if (known !== undefined) return known;
    if (this.#members.size >= MEMBERS_KNOWN_MAX) this.#members.clear();
    const isSecret = SECRET_MEMBER.test(name);
    this.#members.set(name, isSecret);
    return isSecret;
  }
}
