package limits

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Row is a row of docs/limits.md.
type Row struct {
	What, Limit, Refusal string
	// File and Directive say where a limit of Nginx is configured. They are empty for a limit of the services.
	File, Directive string
}

// Section is a table of docs/limits.md.
type Section struct {
	Title, About string
	Rows         []Row
}

const (
	tooLarge    = "PAYLOAD_TOO_LARGE"
	invalid     = "VALIDATION_FAILED"
	timedOut    = "REQUEST_TIMEOUT"
	rateLimited = "RATE_LIMITED"
	unavailable = "DEPENDENCY_UNAVAILABLE"
	closed      = "the connection is closed"
)

// Table returns the limits of this package and of deploy/nginx.
func Table() []Section { return append(requestSections(), connectionSections()...) }

// requestSections returns the limits of single requests.
func requestSections() []Section {
	return []Section{
		{"Requests", "These limits apply before the caller is authenticated, or do not depend on the caller.", []Row{
			{What: "request line and headers", Limit: size(Header), Refusal: tooLarge},
			{What: "time until the headers have arrived", Limit: HeaderTimeout.String(), Refusal: closed},
			{What: "duration of a call", Limit: Call.String(), Refusal: unavailable},
			{What: "rest of a refused body, which is discarded", Limit: size(Body) + " in " + DrainTimeout.String(), Refusal: closed},
			{What: "message of the gRPC health and reflection protocols", Limit: size(ControlMessage), Refusal: "RESOURCE_EXHAUSTED"},
			{
				What: "client's text in an error or log line", Limit: size(Echo),
				Refusal: "shortened; unprintable characters are escaped",
			},
			{What: "path in `instance` of a problem document", Limit: size(Path), Refusal: "`/`"},
		}},
		{"Bodies", "A body is read only after the caller has been authenticated and its role has been checked. Methods that " +
			"need no token read it at once.", []Row{
			{What: "body", Limit: size(Body), Refusal: tooLarge},
			{What: "compressed message in Connect, gRPC and gRPC-Web", Limit: size(CompressedBody), Refusal: tooLarge},
			{What: "message after decompression", Limit: size(Body), Refusal: tooLarge},
			{What: "time until the body has arrived", Limit: BodyTimeout.String(), Refusal: timedOut},
			{What: "memory of the bodies of all requests in progress", Limit: size(Bodies), Refusal: unavailable},
			{What: "the same for one address", Limit: size(BodiesPerAddress), Refusal: rateLimited},
			{What: "memory that a body counts at least", Limit: size(BodyMinimum)},
			{What: "CSV file of a job", Limit: size(128 << 20), Refusal: tooLarge},
			{What: "time until it has arrived", Limit: Upload.String(), Refusal: unavailable},
			{What: "time between two parts of it", Limit: UploadPause.String(), Refusal: timedOut},
			{
				What: "time until the body of a method that needs no token has arrived", Limit: AnonymousBodyTimeout.String(),
				Refusal: timedOut,
			},
			{
				What:  "memory of all such bodies in progress; the others have their own",
				Limit: size(AnonymousBodies), Refusal: unavailable,
			},
			{What: "the same for one address", Limit: size(AnonymousBodiesPerAddress), Refusal: rateLimited},
		}},
		{"Content", "Elements are counted before they are decoded or validated. If there are too many, the rest of the body is " +
			"not decoded.", []Row{
			{What: "elements of a list or map for which the schema has no limit", Limit: count(Elements), Refusal: invalid},
			{What: "fields of a binary message, with elements and unknown fields", Limit: count(Records), Refusal: invalid},
			{What: "`Idempotency-Key`, in characters", Limit: count(IdempotencyKey), Refusal: invalid},
			{
				What:  "new `Idempotency-Key`s of a player in an hour, in calls that succeed, for each replica",
				Limit: count(AnswersPerHour), Refusal: rateLimited,
			},
			{
				What: fmt.Sprintf("refreshes of a session in %.0f minutes (10 × `LOYALTY_REFRESHES_PER_SESSION`); it remains valid",
					RefreshPeriod.Minutes()),
				Limit: count(RefreshesPerSession), Refusal: rateLimited,
			},
			{What: "names in an `update_mask`", Limit: count(MaskNames), Refusal: invalid},
			{What: "`update_mask` in JSON", Limit: size(MaskBytes), Refusal: invalid},
			{What: "members of the body that an update without a mask examines", Limit: count(Members), Refusal: invalid},
			{What: "nesting of JSON", Limit: count(Depth), Refusal: invalid},
			{What: "text for which the schema has no limit, in characters", Limit: count(Text), Refusal: invalid},
			{What: "violations after which a body is not decoded further", Limit: count(DecodeViolations)},
			{What: "violations in an answer", Limit: count(Violations)},
			{What: "CPU time of a refusal (goal; `BenchmarkRefusal` measures it)", Limit: RefusalCPU.String()},
		}},
	}
}

// connectionSections returns the limits of what clients keep open, and those of Nginx.
func connectionSections() []Section {
	return []Section{
		{"Connections of a service", "Each replica has these limits. Trusted proxies have no limit per address.", []Row{
			{What: "HTTP connections", Limit: count(Connections), Refusal: closed},
			{What: "HTTP connections of one address", Limit: count(ConnectionsPerAddress), Refusal: closed},
			{What: "streams of an HTTP/2 connection", Limit: count(Streams), Refusal: "the stream is refused"},
			{What: "unread data of an HTTP/2 stream", Limit: size(StreamBuffer), Refusal: "the client must wait"},
			{What: "unread data of an HTTP/2 connection", Limit: size(ConnectionBuffer), Refusal: "the client must wait"},
		}},
		{"WebSockets", "Each replica of notifications has these limits.", []Row{
			{What: "WebSockets", Limit: count(Sockets), Refusal: unavailable},
			{What: "WebSockets of one player", Limit: count(SocketsPerPlayer), Refusal: rateLimited},
			{What: "WebSockets of an address (`LOYALTY_SOCKETS_PER_ADDRESS`)", Limit: count(SocketsPerAddress), Refusal: rateLimited},
			{What: "message of a client", Limit: size(SocketMessage), Refusal: "close code 1009"},
			{What: "messages of a client", Limit: count(SocketMessages), Refusal: "close code 1008"},
			{
				What:  "everything that a client sends, with pings and pongs",
				Limit: fmt.Sprintf("%s, and %d bytes/s more", size(SocketBytes), SocketBytesPerSecond), Refusal: "close code 1008",
			},
		}},
		{"Nginx", nginxAbout(), []Row{
			nginx("body over REST", "1 MiB", tooLarge, "http.conf", "client_max_body_size 1m;"),
			nginx("CSV file of a job", "128 MiB", tooLarge, "routes.conf", "client_max_body_size 128m;"),
			nginx("body of a procedure; the service has the exact limit", "2 MiB", tooLarge, "rpc.conf", "client_max_body_size 2m;"),
			nginx("body in memory; the rest is in a file", size(NginxBodyMemory), "", "http.conf", "client_body_buffer_size 64k;"),
			nginx("request line, and each header", "8 KiB", tooLarge, "http.conf", "large_client_header_buffers 4 8k;"),
			nginx("time until the headers have arrived", "10s", closed, "http.conf", "client_header_timeout 10s;"),
			nginx("time between two parts of a body", "10s", closed, "http.conf", "client_body_timeout 10s;"),
			nginx("requests in progress and WebSockets of an address", "1,000", rateLimited, "limits.conf",
				"limit_conn address 1000;"),
			nginx("requests in progress of an address", count(NginxRequestsPerAddress), rateLimited, "limits.conf",
				fmt.Sprintf("limit_conn requests %d;", NginxRequestsPerAddress)),
			nginx("logins and changes of the password of one address", "10 per second", rateLimited, "limits.conf",
				"zone=login:10m    rate=10r/s;"),
			nginx("registrations of one address", "10 per second", rateLimited, "limits.conf", "zone=register:10m rate=10r/s;"),
		}},
	}
}

// nginxAbout returns the text about the limits of Nginx.
func nginxAbout() string {
	return fmt.Sprintf("Nginx has these limits in production, before a request reaches a service. It keeps a body over REST "+
		"until all of it has arrived. So clients of one address can occupy %s of files and %.2f MiB of memory of an Nginx "+
		"process at most, however slowly they send. In Docker Compose and the Helm chart, the files of all clients have %s. "+
		"Beyond it, bodies of more than %s fail with INTERNAL; no valid request has such a body.",
		size(NginxRequestsPerAddress*Body), float64(NginxRequestsPerAddress*NginxBodyMemory)/(1<<20), size(NginxBodyFiles),
		size(NginxBodyMemory))
}

func nginx(what, limit, refusal, file, directive string) Row {
	return Row{What: what, Limit: limit, Refusal: refusal, File: file, Directive: directive}
}

// Document returns docs/limits.md for the public methods of the schema.
func Document(public ...protoreflect.MethodDescriptor) string {
	var b strings.Builder
	b.WriteString(`# Limits

` + "`make golden`" + ` writes this page from [internal/limits](../internal/limits) and the schema. An IPv6 address
counts as its /64 network, except in Nginx. Limits of logins and registrations are
[settings](settings.md).
[ADR 29](adr/0029-refuse-requests-before-reading-their-bodies.md) gives the reasons.
`)
	for _, s := range Table() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", s.Title, s.About)
		if s.Rows[0].File == "" {
			b.WriteString("| what | limit | beyond it |\n|---|---|---|\n")
		} else {
			b.WriteString("| what | limit | beyond it | file |\n|---|---|---|---|\n")
		}
		for _, r := range s.Rows {
			fmt.Fprintf(&b, "| %s | %s | %s |", r.What, r.Limit, r.Refusal)
			if r.File != "" {
				fmt.Fprintf(&b, " [%s](../deploy/nginx/%s) |", r.File, r.File)
			}
			b.WriteByte('\n')
		}
	}
	b.WriteString("\n## Fields of requests\n\nThe limits in the schema. A text may have four times as many characters " +
		"before it is normalized. Ids, dates and amounts have a fixed form and are not listed.\n\n" +
		"| request | field | limit |\n|---|---|---|\n")
	var rows []string
	for _, method := range public {
		rows = appendFields(rows, method.Input(), "", nil)
	}
	slices.Sort(rows)
	for _, row := range slices.Compact(rows) {
		b.WriteString(row)
	}
	return b.String()
}

// appendFields appends the rows of the lists and texts in a message. outer are the messages that contain it.
func appendFields(rows []string, md protoreflect.MessageDescriptor, path string, outer []protoreflect.FullName) []string {
	if slices.Contains(outer, md.FullName()) || md.ParentFile().Package() == "google.protobuf" {
		return rows
	}
	request := string(md.Name())
	if len(outer) > 0 {
		request = string(outer[0].Name())
	}
	outer = append(slices.Clone(outer), md.FullName())
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		at := path + fd.JSONName()
		if fd.IsList() || fd.IsMap() {
			rows = append(rows, fmt.Sprintf("| %s | `%s` | %s elements |\n", request, at, count(MaxElements(fd))))
		}
		switch {
		case fd.Kind() == protoreflect.StringKind && MaxText(fd) != Text:
			rows = append(rows, fmt.Sprintf("| %s | `%s` | %s characters |\n", request, at, count(MaxText(fd))))
		case fd.Message() != nil:
			rows = appendFields(rows, fd.Message(), at+".", outer)
		}
	}
	return rows
}

// size returns a number of bytes in the largest unit that divides it.
func size(bytes int) string {
	switch {
	case bytes%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", bytes>>20)
	case bytes%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", bytes>>10)
	default:
		return count(bytes) + " bytes"
	}
}

// count returns a number with commas.
func count(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", count(n/1000), n%1000)
}
