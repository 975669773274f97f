package module

import "github.com/safehold/safehold/safefmt/userconfig"

// BootSetting is what happens with a module when the host starts: "on", "off",
// or "auto" for as it was before. It follows from service@boot and from the
// answer to `safekit boot`, "on", "off" or "" (userconfig-xml.md section 5).
func BootSetting(configured userconfig.Boot, command string) string {
	switch {
	case configured == userconfig.BootOn && command != "off":
		return "on"
	case configured == userconfig.BootAuto:
		return "auto"
	case configured != userconfig.BootOn && command == "on":
		return "on"
	default:
		return "off"
	}
}
