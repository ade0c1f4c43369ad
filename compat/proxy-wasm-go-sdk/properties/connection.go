package properties

// GetDownstreamRemoteAddress returns the property source.address.
func GetDownstreamRemoteAddress() (string, error) { return text("source", "address") }

// GetDownstreamRemotePort returns the property source.port, a number.
func GetDownstreamRemotePort() (uint64, error) { return number("source", "port") }

// GetDownstreamLocalAddress returns the property destination.address.
func GetDownstreamLocalAddress() (string, error) { return text("destination", "address") }

// GetDownstreamLocalPort returns the property destination.port, a number.
func GetDownstreamLocalPort() (uint64, error) { return number("destination", "port") }

// GetDownstreamConnectionID returns the property connection.id, a number.
func GetDownstreamConnectionID() (uint64, error) { return number("connection", "id") }

// IsDownstreamConnectionTls returns the property connection.mtls, a boolean.
func IsDownstreamConnectionTls() (bool, error) { return boolean("connection", "mtls") }

// GetDownstreamRequestedServerName returns the property connection.requested_server_name.
func GetDownstreamRequestedServerName() (string, error) {
	return text("connection", "requested_server_name")
}

// GetDownstreamTlsVersion returns the property connection.tls_version.
func GetDownstreamTlsVersion() (string, error) { return text("connection", "tls_version") }

// GetDownstreamSubjectLocalCertificate returns the property connection.subject_local_certificate.
func GetDownstreamSubjectLocalCertificate() (string, error) {
	return text("connection", "subject_local_certificate")
}

// GetDownstreamSubjectPeerCertificate returns the property connection.subject_peer_certificate.
func GetDownstreamSubjectPeerCertificate() (string, error) {
	return text("connection", "subject_peer_certificate")
}

// GetDownstreamDnsSanLocalCertificate returns the property connection.dns_san_local_certificate.
func GetDownstreamDnsSanLocalCertificate() (string, error) {
	return text("connection", "dns_san_local_certificate")
}

// GetDownstreamDnsSanPeerCertificate returns the property connection.dns_san_peer_certificate.
func GetDownstreamDnsSanPeerCertificate() (string, error) {
	return text("connection", "dns_san_peer_certificate")
}

// GetDownstreamUriSanLocalCertificate returns the property connection.uri_san_local_certificate.
func GetDownstreamUriSanLocalCertificate() (string, error) {
	return text("connection", "uri_san_local_certificate")
}

// GetDownstreamUriSanPeerCertificate returns the property connection.uri_san_peer_certificate.
func GetDownstreamUriSanPeerCertificate() (string, error) {
	return text("connection", "uri_san_peer_certificate")
}

// GetDownstreamSha256PeerCertificateDigest returns the property connection.sha256_peer_certificate_digest.
func GetDownstreamSha256PeerCertificateDigest() (string, error) {
	return text("connection", "sha256_peer_certificate_digest")
}

// GetDownstreamTerminationDetails returns the property connection.termination_details.
func GetDownstreamTerminationDetails() (string, error) {
	return text("connection", "termination_details")
}
