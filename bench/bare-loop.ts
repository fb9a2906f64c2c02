/** The floor: polls and posts as fast as one loop can, with no journal, child or checks. */
const [base = ""] = process.argv.slice(2);
for (;;) {
  const response = await fetch(`${base}/servant/bench/next_assignment`);
  if (response.status === 204) continue;
  const { audit_id } = (await response.json()) as { audit_id: string };
  const body = JSON.stringify({ audit_id, success: true, message: "" });
  const headers = { "Content-Type": "application/json" };
  await (await fetch(`${base}/servant/bench/result`, { method: "POST", headers, body })).text();
}

export {};
