package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// authority is a certificate authority of the work folder's own, which all clients are made to
// trust: a client that is told to ignore errors behaves differently.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

const authorityFile = "authority.pem"

// openAuthority reads the authority of a folder, or makes it.
func openAuthority(folder string) (*authority, error) {
	name := filepath.Join(folder, authorityFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = makeAuthority(); err == nil {
			err = os.WriteFile(name, text, 0o600)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("zoo: making a certificate authority: %w", err)
	}
	a, err := parseAuthority(text)
	if err != nil {
		return nil, fmt.Errorf("zoo: reading %s: %w (remove the file)", name, err)
	}
	return a, nil
}

func makeAuthority() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "headgate zoo"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(5, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), nil
}

func parseAuthority(text []byte) (*authority, error) {
	block, rest := pem.Decode(text)
	secret, _ := pem.Decode(rest)
	if block == nil || secret == nil {
		return nil, errors.New("no certificate with its key")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(secret.Bytes)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is of another kind")
	}
	return &authority{c, private, pem.EncodeToMemory(block)}, nil
}

// certificate makes a certificate for hosts.
func (a *authority) issue(hosts []string, addresses []net.IP) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: hosts, IPAddresses: addresses,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 6, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key}, nil
}

// trust makes a folder that stands in the place of /etc/ssl/certs for the clients: with the
// authority's certificate alone, in each form that programs look for.
func (a *authority) trust(folder string) error {
	if err := os.MkdirAll(filepath.Join(folder, "java"), 0o755); err != nil {
		return fmt.Errorf("zoo: making a folder: %w", err)
	}
	bundle := filepath.Join(folder, "ca-certificates.crt")
	if err := os.WriteFile(bundle, a.pem, 0o644); err != nil {
		return fmt.Errorf("zoo: writing the certificate: %w", err)
	}
	hash, err := exec.Command("openssl", "x509", "-noout", "-subject_hash", "-in", bundle).Output()
	if err != nil {
		return fmt.Errorf("zoo: openssl x509: %w (apt-get install openssl)", err)
	}
	if err := os.WriteFile(filepath.Join(folder, strings.TrimSpace(string(hash))+".0"), a.pem, 0o644); err != nil {
		return fmt.Errorf("zoo: writing the certificate: %w", err)
	}
	store := filepath.Join(folder, "java", "cacerts")
	if _, err := exec.LookPath("keytool"); err == nil {
		os.Remove(store)
		// Of a JKS certificates are read without its password.
		exec.Command("keytool", "-importcert", "-noprompt", "-storetype", "JKS", "-alias", "zoo", "-file", bundle, "-keystore", store, "-storepass", "changeit").Run()
	}
	return nil
}
