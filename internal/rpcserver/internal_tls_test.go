package rpcserver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// authority issues certificates for the name ledger.test.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = newECDSAKey(t)
	a.cert = a.sign(template, template, a.key)
	return a
}

func newECDSAKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

// issue writes a new certificate, its key and the authority to folder.
func (a *authority) issue(folder, name string) rpcserver.TLSFiles {
	a.t.Helper()
	key := newECDSAKey(a.t)
	cert := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	write := func(file, kind string, der []byte) string {
		path := filepath.Join(folder, file)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			a.t.Fatal(err)
		}
		return path
	}
	return rpcserver.TLSFiles{
		Certificate: write("cert.pem", "CERTIFICATE", cert.Raw), Key: write("key.pem", "PRIVATE KEY", der),
		CA: write("ca.pem", "CERTIFICATE", a.cert.Raw),
	}
}

func TestMutualTLS(t *testing.T) {
	own, other := newAuthority(t), newAuthority(t)
	folder := t.TempDir()
	g := newGroup(t, 0)
	g.tls = own.issue(folder, "ledger.test")
	g.start("127.0.0.11")
	g.dns.Set("127.0.0.11")
	g.call(g.dial(own.issue(t.TempDir(), "promotions")), 1, "own")
	otherFiles := other.issue(t.TempDir(), "promotions")
	mixedFiles := otherFiles // trusts the server, but has a certificate of the other authority
	mixedFiles.CA = g.tls.CA
	for name, files := range map[string]rpcserver.TLSFiles{
		"without TLS": {}, "certificate of another authority": mixedFiles, "server of another authority": otherFiles,
	} {
		if _, err := g.dial(files).AddTransaction(t.Context(), credit()); err == nil {
			t.Errorf("%s: the call succeeded", name)
		}
	}
	if n := len(g.shared.entries); n != 1 {
		t.Errorf("%d credits, want 1", n)
	}

	// The files are replaced: the server has a certificate of the other authority and accepts only its clients.
	other.issue(folder, "ledger.test")
	g.call(g.dial(otherFiles), 1, "rotated")
	if _, err := g.dial(own.issue(t.TempDir(), "promotions")).AddTransaction(t.Context(), credit()); err == nil {
		t.Error("a client with a certificate of the replaced authority can still call")
	}
}

func TestMutualTLSChecksTheServersName(t *testing.T) {
	own := newAuthority(t)
	g := newGroup(t, 0)
	g.tls = own.issue(t.TempDir(), "other.test")
	g.start("127.0.0.11")
	g.dns.Set("127.0.0.11")
	if _, err := g.dial(own.issue(t.TempDir(), "promotions")).AddTransaction(t.Context(), credit()); err == nil {
		t.Error("the call to a server with another name succeeded")
	}
}

func TestTLSFileErrorsNameTheField(t *testing.T) {
	good := newAuthority(t).issue(t.TempDir(), "ledger.test")
	other := newAuthority(t).issue(t.TempDir(), "ledger.test")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*rpcserver.TLSFiles)
		field  string
	}{
		"certificate missing":     {func(f *rpcserver.TLSFiles) { f.Certificate = "/nowhere" }, "Certificate"},
		"key missing":             {func(f *rpcserver.TLSFiles) { f.Key = "/nowhere" }, "Key"},
		"key does not match":      {func(f *rpcserver.TLSFiles) { f.Key = other.Key }, "Certificate"},
		"authority missing":       {func(f *rpcserver.TLSFiles) { f.CA = "" }, "CA"},
		"authority without a PEM": {func(f *rpcserver.TLSFiles) { f.CA = empty }, "CA"},
	} {
		files := good
		tt.change(&files)
		var e *rpcserver.TLSFileError
		if err := files.Validate(); !errors.As(err, &e) || e.Field != tt.field {
			t.Errorf("%s: Validate = %v, want an error of %s", name, err, tt.field)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}
