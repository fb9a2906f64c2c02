/**
 * The description of an interface as a page: made here from the OpenAPI document, with one style and
 * without any script, so that its policy can forbid everything else.
 */
import type { OpenApi, Operation } from "./openapi.ts";
import { sourceHash } from "./source-hash.ts";

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.45 ui-monospace,monospace}
pre{overflow:auto;padding:.75rem;border:1px solid #8885;border-radius:.4rem}
details{border-top:1px solid #8885;padding:.5rem 0}
summary{cursor:pointer;padding:.25rem 0}
summary b{display:inline-block;min-width:3.5rem}
table{border-collapse:collapse;margin:.5rem 0}
td,th{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}
p{margin:.5rem 0}`;

const POLICY = [
  "default-src 'none'",
  `style-src ${sourceHash(STYLE)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** `source` is the path under which programs get the same document. */
export function apiPage(source: string, document: OpenApi): Response {
  return new Response(html(source, document), {
    headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY },
  });
}

function html(source: string, { info, paths }: OpenApi): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => shown(path, method, operation)),
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)}</title><style>${STYLE}</style></head><body><main>
<h1>${escaped(info.title)}</h1>
<p>${escaped(info.description)} Version ${escaped(info.version)}. For programs:
<a href="${source}"><code>${source}</code></a> (OpenAPI 3.1).</p>
${operations.join("\n")}
</main></body></html>\n`;
}

function shown(path: string, method: string, operation: Operation): string {
  const { operationId, parameters = [], requestBody, responses, security, summary } = operation;
  const rows = parameters.map(
    ({ name, in: where, required, description = "", schema }) =>
      `<tr><td><code>${escaped(name)}</code></td><td>${where}${required ? "" : ", optional"}</td>` +
      `<td><code>${json(schema)}</code></td><td>${escaped(description)}</td></tr>`,
  );
  const answers = Object.entries(responses).map(([status, { content = {}, description }]) => {
    const [type = "", { schema } = {}] = Object.entries(content)[0] ?? [];
    const is = schema === undefined || status >= "400" ? "" : `<pre>${json(schema, 2)}</pre>`;
    return `<p><b>${status}</b> ${escaped(description)} <code>${escaped(type)}</code></p>${is}`;
  });
  const [, { schema: body } = {}] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  return `<details id="${operationId}"><summary><b>${method.toUpperCase()}</b>
<code>${escaped(path)}</code> ${escaped(summary)}</summary>
${security?.length === 0 ? "<p>Open to all.</p>" : ""}
${rows.length === 0 ? "" : `<table><tr><th>name<th>in<th>schema<th></tr>${rows.join("")}</table>`}
${body === undefined ? "" : `<p>Body:</p><pre>${json(body, 2)}</pre>`}
${answers.join("\n")}</details>`;
}

function json(value: unknown, indent?: number): string {
  return escaped(JSON.stringify(value, null, indent));
}

function escaped(text: string): string {
  return Bun.escapeHTML(text);
}
