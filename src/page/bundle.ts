/**
 * Makes one self-contained page of each folder that has a `page.html`. `build.ts` puts what this gives
 * in its place, so that the binary carries the finished pages; from source one is made when it is
 * first asked for.
 */
import { join } from "node:path";
import { sourceHash } from "../wire/source-hash.ts";

export interface PageBundle {
  readonly html: string;
  /** The Content-Security-Policy: this script, this style, and nothing from anywhere else. */
  readonly policy: string;
}

export const pageNames = ["agent", "backend", "gateway"] as const;
export type PageName = (typeof pageNames)[number];

/** @throws {AggregateError} when it cannot be bundled */
export async function pageBundle(name: PageName): Promise<PageBundle> {
  const folder = join(import.meta.dir, name);
  const [script, style, html] = await Promise.all([
    bundled(folder, "main.ts"),
    bundled(folder, "page.css"),
    Bun.file(join(folder, "page.html")).text(),
  ]);
  return {
    html: withInline(withInline(html, "style", style), "script", script),
    policy: [
      "default-src 'none'",
      `script-src ${sourceHash(script)}`,
      `style-src ${sourceHash(style)}`,
      "connect-src 'self'",
      "img-src data:", // its icon
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      // Text never becomes markup: the browser refuses what would try.
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join("; "),
  };
}

async function bundled(folder: string, name: string): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(folder, name)],
    target: "browser",
    format: "iife",
    minify: true,
  });
  const [output] = outputs;
  if (output === undefined) throw new Error(`Cannot bundle "${name}": nothing came out`);
  return (await output.text()).trim();
}

/** Fills the one empty element of this name. */
function withInline(html: string, tag: "script" | "style", text: string): string {
  const empty = `<${tag}></${tag}>`;
  if (text.includes(`</${tag}`)) throw new Error(`Cannot put the ${tag} inline: it ends itself`);
  return html.replace(empty, () => `<${tag}>${text}</${tag}>`);
}
