package heartbeat

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// dscpCS6 marks pulses as network control, so that switches drop them last.
const dscpCS6 = 0xc0

// listen binds to the local address of a link, also before the address exists
// (IP_FREEBIND). The socket is not bound to a device: the source address names
// the network, and devices are renamed, bonded and bridged while it runs.
func listen(local netip.AddrPort) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(network, _ string, raw syscall.RawConn) error {
		var err error
		ctlErr := raw.Control(func(fd uintptr) { err = socketOptions(int(fd), network) })
		if ctlErr != nil {
			return ctlErr
		}
		return err
	}}
	network := "udp6"
	if local.Addr().Unmap().Is4() {
		network = "udp4"
	}
	conn, err := lc.ListenPacket(context.Background(), network, local.String())
	if err != nil {
		return nil, fmt.Errorf("open the heartbeat socket: %w", err)
	}
	return conn.(*net.UDPConn), nil
}

func socketOptions(fd int, network string) error {
	if network == "udp6" {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, dscpCS6) // an extra
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, dscpCS6) // an extra
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_FREEBIND, 1)
}
