// Package limits defines the budgets of the public API: how much a client may send, keep open and make the platform compute.
// docs/limits.md is generated from Table; a test compares the two. Limits of login attempts and registrations are settings
// of the users service and not defined here.
package limits

import "time"

// Limits of one request.
const (
	// Header is the maximum size of the request line and the headers, in bytes.
	Header = 32 << 10
	// HeaderTimeout is the time in which the headers must arrive.
	HeaderTimeout = 10 * time.Second
	// Body is the maximum size of a body, and of the message in it, in bytes.
	Body = 1 << 20
	// CompressedBody is the maximum size of a compressed message, in bytes. Decompression stops at Body.
	CompressedBody = 256 << 10
	// ControlMessage is the maximum size of a message of the gRPC health and reflection protocols, in bytes.
	ControlMessage = 16 << 10
	// BodyTimeout is the time in which a body must arrive.
	BodyTimeout = 20 * time.Second
	// Upload is the maximum duration of a call with an upload, and UploadPause the time in which its next part must arrive.
	Upload      = 10 * time.Minute
	UploadPause = 20 * time.Second
	// AnonymousBodyTimeout is BodyTimeout for methods that need no token.
	AnonymousBodyTimeout = 5 * time.Second
	// DrainTimeout is the time in which the rest of a refused body must arrive. Otherwise the connection is closed.
	DrainTimeout = 2 * time.Second
	// Call is the maximum duration of a call.
	Call = 20 * time.Second
)

// Limits of the content of a request. They are checked while the body is decoded, so the rest of the body is not decoded.
const (
	// Elements is the maximum number of elements of a list or map for which the schema has no lower limit.
	Elements = 1000
	// IdempotencyKey is the maximum length of an Idempotency-Key, in bytes.
	IdempotencyKey = 200
	// MaskNames is the maximum number of names in an update mask.
	MaskNames = 100
	// MaskBytes is the maximum size of an update mask in JSON, in bytes.
	MaskBytes = 4 << 10
	// Records is the maximum number of fields in a binary protobuf message, including elements and unknown fields.
	Records = 10_000
	// Members is the number of members of a JSON object after which an update without a mask is not examined further.
	Members = 100
	// Depth is the maximum nesting depth of JSON.
	Depth = 32
	// Text is the maximum length of a text for which the schema has no lower limit, in characters.
	Text = 4096
	// Violations is the maximum number of violations in an answer.
	Violations = 100
	// DecodeViolations is the number of violations after which the rest of a body is not decoded.
	DecodeViolations = 50
	// Echo is the maximum length of a client's text in an answer or a log line, in bytes.
	Echo = 64
	// Path is the maximum length of the path in a problem document, in bytes. The document has "/" for a longer path.
	Path = 4 << 10
)

// AnswersPerHour is the maximum number of answers to calls with an Idempotency-Key that a replica stores for a player in an
// hour. Each is kept for 72 hours.
const AnswersPerHour = 1000

// RefreshesPerSession is the default maximum number of refreshes of a session in RefreshPeriod: ten times
// LOYALTY_REFRESHES_PER_SESSION. A test of the users service compares it with the limit there.
const (
	RefreshesPerSession = 120
	RefreshPeriod       = 10 * time.Minute
)

// Limits of what clients keep open on one replica.
const (
	// Bodies is the maximum memory of the bodies of all requests in progress, in bytes.
	Bodies = 64 << 20
	// BodiesPerAddress is the maximum memory of the bodies of one address, in bytes.
	BodiesPerAddress = 16 << 20
	// AnonymousBodies and AnonymousBodiesPerAddress are Bodies and BodiesPerAddress for methods that need no token. They have
	// their own memory, so that clients without a token cannot use up the memory of the others.
	AnonymousBodies           = 32 << 20
	AnonymousBodiesPerAddress = 2 << 20
	// BodyMinimum is the memory that a body counts at least, in bytes. So BodiesPerAddress also limits their number.
	BodyMinimum = 8 << 10
	// Connections is the maximum number of HTTP connections. Open WebSockets do not count.
	Connections = 8192
	// ConnectionsPerAddress is the maximum number of HTTP connections of one address, except trusted proxies.
	ConnectionsPerAddress = 1024
	// Streams is the maximum number of concurrent HTTP/2 streams of a connection.
	Streams = 128
	// StreamBuffer is the maximum size of unread data of an HTTP/2 stream, in bytes.
	StreamBuffer = 64 << 10
	// ConnectionBuffer is the maximum size of unread data of an HTTP/2 connection, in bytes.
	ConnectionBuffer = 256 << 10
	// Sockets is the maximum number of WebSockets.
	Sockets = 100_000
	// SocketsPerPlayer is the maximum number of WebSockets of one player.
	SocketsPerPlayer = 20
	// SocketsPerAddress is the default of LOYALTY_SOCKETS_PER_ADDRESS, the maximum number of WebSockets of one address.
	SocketsPerAddress = 1000
	// SocketMessage is the maximum size of a message on a WebSocket, in bytes.
	SocketMessage = 4 << 10
	// SocketMessages is the number of messages that are ignored before a WebSocket is closed.
	SocketMessages = 16
	// SocketBytes is what a client may send on a WebSocket at once, in bytes: messages, pings and pongs with their headers.
	SocketBytes = 80 << 10
	// SocketBytesPerSecond is what a client may send on a WebSocket for a long time, in bytes per second.
	SocketBytesPerSecond = 512
)

// Limits of Nginx in deploy/nginx that determine how much it stores for slow clients. A test compares them with the files.
const (
	// NginxRequestsPerAddress is the maximum number of requests in progress of one address, without WebSockets.
	NginxRequestsPerAddress = 100
	// NginxBodyMemory is the size of a body that stays in memory, in bytes. The rest of a larger body is in a file.
	NginxBodyMemory = 64 << 10
	// NginxBodyFiles is the maximum size of the files of all bodies in the deployments of this repository, in bytes.
	NginxBodyFiles = 128 << 20
)

// RefusalCPU is the goal for the CPU time of refusing a request with a body of at most Body. BenchmarkRefusal in package
// rpcserver measures it.
const RefusalCPU = 20 * time.Millisecond
