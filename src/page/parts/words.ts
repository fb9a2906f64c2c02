/** How times, ages and amounts read: short, and as wide as their neighbours. */

const pad = (value: number, digits = 2) => String(value).padStart(digits, "0");

/** `14:03:09` in the reader's own time zone; with `ms`, `14:03:09.250`. */
export function clockText(iso: string, { ms = false } = {}): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "--:--:--";
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return ms ? `${time}.${pad(at.getMilliseconds(), 3)}` : time;
}

/** With the day in front when it is another day than `now`. */
export function dayClockText(iso: string, nowMs: number): string {
  const at = new Date(iso);
  const isToday = at.toDateString() === new Date(nowMs).toDateString();
  return isToday
    ? clockText(iso)
    : `${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${clockText(iso)}`;
}

/** `40 ms`, `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function durationText(ms: number): string {
  if (!(ms >= 0)) return "0 ms";
  if (ms < 95) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `1,234` */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 line`, `2 lines` */
export function some(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `512 B`, `4.2 MiB` */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** An id where there is little room: its ends tell ids of one origin apart. */
export function shortId(auditId: string): string {
  return auditId.length <= 10 ? auditId : `${auditId.slice(0, 4)}…${auditId.slice(-4)}`;
}
