/** HTTP/1.0 need not name a host, and some probes do not: a request's address is a path alone then. */
export function addressed(request: Request): Request {
  return request.url.startsWith("/") ? new Request(`http://host${request.url}`, request) : request;
}
