package userconfig

import (
	"net/netip"
	"regexp"
	"strings"
)

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$`)

// address gives a required attribute that is an IP literal or a host name, ""
// after reporting.
func (d *decoder) address(n *node, name string) string {
	v := strings.TrimSpace(d.need(n, name))
	if v != "" && !validAddress(v) {
		d.invalid(n, name, " (expected an IP address or a host name)")
		return ""
	}
	return v
}

// validAddress accepts IPv4, IPv6 (also in brackets) and host names. A text of
// digits and dots only must be an IPv4 address.
func validAddress(s string) bool {
	if _, ok := parseIP(s); ok {
		return true
	}
	return hostName.MatchString(s) && strings.Trim(s, "0123456789.") != ""
}

// parseIP reads an IP literal, also in brackets.
func parseIP(s string) (netip.Addr, bool) {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s = s[1 : len(s)-1]
	}
	ip, err := netip.ParseAddr(s)
	return ip, err == nil
}

// canonical gives one spelling for all of an address.
func canonical(addr string) string {
	if ip, ok := parseIP(addr); ok {
		return ip.String()
	}
	return strings.ToLower(addr)
}

// isLocal tells whether an IP literal is configured on this node.
func (d *decoder) isLocal(addr string) bool {
	ip, ok := parseIP(addr)
	if !ok {
		return false
	}
	for _, l := range d.env.LocalAddrs {
		if l.Prefix.Addr() == ip {
			return true
		}
	}
	return false
}
