package rpcserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// TLSFiles are the PEM files of mutual TLS: the process's own certificate and key, and the CA that must have issued the
// peer's certificate. The files are read again for each connection, so they can be replaced while the process runs. The zero
// value disables TLS.
type TLSFiles struct {
	Certificate, Key, CA string
}

// credentials returns the transport credentials of a server or a client. It returns an error if the files cannot be used.
func (f TLSFiles) credentials() (credentials.TransportCredentials, error) {
	if f == (TLSFiles{}) {
		return insecure.NewCredentials(), nil
	}
	if _, err := f.load(); err != nil {
		return nil, err
	}
	return &mutualTLS{files: f}, nil
}

// TLSFileError is an error of one file in TLSFiles. Its text omits the path, because a misconfigured path may contain a
// secret.
type TLSFileError struct {
	// Field is the name of the field of TLSFiles.
	Field string
	Err   error
}

// Error implements error.
func (e *TLSFileError) Error() string { return "TLS " + e.Field + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *TLSFileError) Unwrap() error { return e.Err }

// Validate returns a TLSFileError if a file cannot be used. The zero value is valid.
func (f TLSFiles) Validate() error {
	_, err := f.credentials()
	return err
}

// load reads the files and returns the credentials of one connection.
func (f TLSFiles) load() (credentials.TransportCredentials, error) {
	var content [3][]byte
	for i, file := range [3]struct{ field, path string }{{"Certificate", f.Certificate}, {"Key", f.Key}, {"CA", f.CA}} {
		var err error
		if content[i], err = os.ReadFile(file.path); err != nil {
			if e, ok := errors.AsType[*fs.PathError](err); ok {
				err = e.Err
			}
			return nil, &TLSFileError{file.field, fmt.Errorf("the file cannot be read: %w", err)}
		}
	}
	own, err := tls.X509KeyPair(content[0], content[1])
	if err != nil {
		return nil, &TLSFileError{"Certificate", fmt.Errorf("the files contain no certificate and its key: %w", err)}
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(content[2]) {
		return nil, &TLSFileError{"CA", errors.New("the file contains no certificate in PEM")}
	}
	return credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own},
		RootCAs: authority, ClientCAs: authority, ClientAuth: tls.RequireAndVerifyClientCert,
	}), nil
}

// mutualTLS implements credentials.TransportCredentials. It reads the files at each handshake.
type mutualTLS struct{ files TLSFiles }

// ClientHandshake implements credentials.TransportCredentials.
func (m *mutualTLS) ClientHandshake(
	ctx context.Context, authority string, conn net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	current, err := m.files.load()
	if err != nil {
		return nil, nil, err
	}
	return current.ClientHandshake(ctx, authority, conn)
}

// ServerHandshake implements credentials.TransportCredentials.
func (m *mutualTLS) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	current, err := m.files.load()
	if err != nil {
		return nil, nil, err
	}
	return current.ServerHandshake(conn)
}

// Info implements credentials.TransportCredentials.
func (m *mutualTLS) Info() credentials.ProtocolInfo { return credentials.NewTLS(nil).Info() }

// Clone implements credentials.TransportCredentials.
func (m *mutualTLS) Clone() credentials.TransportCredentials { return &mutualTLS{files: m.files} }

// OverrideServerName implements credentials.TransportCredentials. It always returns an error, because the server name is
// taken from the address.
func (m *mutualTLS) OverrideServerName(string) error {
	return errors.New("the server name cannot be overridden")
}
