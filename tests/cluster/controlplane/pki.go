package controlplane

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority is the instance's own certificate authority. It lives as long as
// the instance: nothing else trusts it.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// keyPair is a certificate and its key, as PEM and as the files they are in.
type keyPair struct {
	certPEM, keyPEM   []byte
	certFile, keyFile string
}

func newAuthority(dir string) (*authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificate("stoker-cluster-ca", nil)
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	ca := &authority{dir: dir, cert: cert, key: key, pem: encodePEM("CERTIFICATE", der)}
	return ca, os.WriteFile(ca.file(), ca.pem, 0o644)
}

func (ca *authority) file() string { return filepath.Join(ca.dir, "ca.crt") }

// issue makes a key pair for a program. Every program is a client of some
// other; with names it can serve, too.
func (ca *authority) issue(file, user string, groups []string, names ...string) (*keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return ca.sign(key, file, user, groups, names)
}

// issueRSA is for credentials that Java programs use: Spark's Kubernetes client
// reads no other keys without a further library. It takes longer.
func (ca *authority) issueRSA(file, user string, groups []string) (*keyPair, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return ca.sign(key, file, user, groups, nil)
}

func (ca *authority) sign(key crypto.Signer, file, user string, groups, names []string) (*keyPair, error) {
	template := certificate(user, groups)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(names) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return nil, err
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	pair := &keyPair{
		certPEM: encodePEM("CERTIFICATE", der), keyPEM: keyPEM,
		certFile: filepath.Join(ca.dir, file+".crt"), keyFile: filepath.Join(ca.dir, file+".key"),
	}
	if err := os.WriteFile(pair.certFile, pair.certPEM, 0o644); err != nil {
		return nil, err
	}
	return pair, os.WriteFile(pair.keyFile, pair.keyPEM, 0o600)
}

// signingKey makes the key that signs service-account tokens.
func (ca *authority) signingKey() (private, public string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return "", "", err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", "", err
	}
	private = filepath.Join(ca.dir, "service-account.key")
	public = filepath.Join(ca.dir, "service-account.pub")
	if err := os.WriteFile(private, keyPEM, 0o600); err != nil {
		return "", "", err
	}
	return private, public, os.WriteFile(public, encodePEM("PUBLIC KEY", der), 0o644)
}

func certificate(user string, groups []string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(fmt.Sprintf("no random numbers: %v", err))
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: user, Organization: groups},
		// Clocks of one machine agree, but may step back a little.
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(365 * 24 * time.Hour),
	}
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return encodePEM("PRIVATE KEY", der), err
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
