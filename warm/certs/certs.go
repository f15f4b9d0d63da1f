// Package certs loads the system's root certificates: see package warm.
package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
)

// ErrNone is returned where no root certificate was found: every TLS connection to others will fail, unless its
// tls.Config has RootCAs.
var ErrNone = errors.New("there are no root certificates on this machine, or none where crypto/x509 looks for them")

// Load has crypto/x509 load the system's root certificates, from where SSL_CERT_FILE and SSL_CERT_DIR say or the system
// has them, which it would do at the first certificate that is verified without roots of its own, as net/http does when
// it reaches another server (crypto/x509/root_unix.go:loadSystemRoots). They stay for the life of the process.
func Load() error {
	pool, err := x509.SystemCertPool()
	switch {
	case err != nil:
		return fmt.Errorf("root certificates could not be loaded: %w", err)
	case pool.Equal(x509.NewCertPool()):
		return ErrNone
	}
	return nil
}
