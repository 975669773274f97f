package userconfig

import (
	"errors"
	"io/fs"
	"math"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	defaultSuffix = "_For_SafeKit_Replication"
	defaultPacket = 8 << 20
	maxRegex      = 4096 // bytes
)

func (d *decoder) rfs(n *node) *RFS {
	r := &RFS{
		MountOver:       d.boolean(n, "mountover", false),
		MountOverSuffix: d.str(n, "mountoversuffix", defaultSuffix),
		ACL:             d.boolean(n, "acl", false),
		ACLSet:          n.has("acl"),
		Async:           Async(d.enum(n, "async", string(AsyncSecond), string(AsyncNone))),
		LockTimeout:     d.dur(n, "locktimeout", time.Second, 100*time.Second, time.Second),
		SendTimeout:     d.dur(n, "sendtimeout", time.Second, 30*time.Second, time.Second),
		NbRei:           d.count(n, "nbrei", 6, 1),
		NamespacePolicy: int(d.enumDefault(n, "namespacepolicy", "4", "0", "1", "3", "4")[0] - '0'),
		ReiTimeout:      d.dur(n, "reitimeout", time.Second, 150*time.Second, time.Second),
		ReiCommit:       d.count(n, "reicommit", 0, 0),
		ReiDetail:       d.boolean(n, "reidetail", false),
		ReiAllowedBW:    d.integer(n, "reiallowedbw", 0, 1, math.MaxInt32),
		NbRemConn:       d.count(n, "nbremconn", 1, 1),
		CheckTime:       d.dur(n, "checktime", time.Millisecond, 220*time.Second, time.Millisecond),
		CheckIntv:       d.dur(n, "checkintv", time.Second, 120*time.Second, time.Second),
		Scripts:         d.boolean(n, "scripts", false),
		SyncDelta:       d.dur(n, "syncdelta", time.Minute, 0, 0),
		SyncAt:          d.schedule(n),
	}
	d.packets(n, r)
	d.rfsDoubts(n, r)
	d.windowsOnly(n, "iotimeout", "roflags", "allocthreshold", "nfsbox_options")
	if sub := d.only(n, "flow"); sub != nil {
		r.Flow = d.flow(sub)
	}
	for _, sub := range d.some(n, "replicated") {
		r.Replicated = append(r.Replicated, d.replicated(sub, r.Replicated))
	}
	d.finish(n)
	return r
}

func (d *decoder) rfsDoubts(n *node, r *RFS) {
	if strings.ContainsAny(r.MountOverSuffix, "/\x00") {
		d.invalid(n, "mountoversuffix", " (expected a part of a file name)")
	}
	if d.safeconf {
		return
	}
	if r.MountOver {
		d.warnf(n.lineOf("mountover"), "mountover='on' is of an older release: the only mount mode is used")
	}
	if r.Scripts {
		d.warnf(n.lineOf("scripts"), "scripts='on' in <rfs> calls no script on this system")
	}
	if r.SyncDelta > 0 && r.SyncDelta <= time.Minute {
		d.warnf(n.lineOf("syncdelta"), "syncdelta up to 1m is ignored")
	}
}

// packets reads the three sizes, which hang together.
func (d *decoder) packets(n *node, r *RFS) {
	r.PacketSize = d.integer(n, "packetsize", 0, 1, math.MaxInt32)
	r.ReiPacketSize = defaultPacket
	if r.PacketSize > 0 && r.PacketSize < defaultPacket {
		r.ReiPacketSize = r.PacketSize
	}
	r.ReiPacketSize = d.integer(n, "reipacketsize", r.ReiPacketSize, 1, math.MaxInt32)
	zone := int64(defaultPacket)
	if n.has("reipacketsize") || zone%r.ReiPacketSize != 0 {
		zone = r.ReiPacketSize
	}
	r.RuzoneBlockSize = d.integer(n, "ruzone_blocksize", zone, 1, math.MaxInt32)
	if r.PacketSize > 0 && r.ReiPacketSize > r.PacketSize {
		d.errorf("U14", n.lineOf("reipacketsize"), "reipacketsize (%d) must not be larger than packetsize (%d)", r.ReiPacketSize, r.PacketSize)
	}
	if r.RuzoneBlockSize%r.ReiPacketSize != 0 {
		d.errorf("U14", n.lineOf("ruzone_blocksize"), "ruzone_blocksize (%d) must be a multiple of reipacketsize (%d)", r.RuzoneBlockSize, r.ReiPacketSize)
	}
}

// schedule reads syncat: five crontab fields and nothing else.
func (d *decoder) schedule(n *node) string {
	v := strings.TrimSpace(d.str(n, "syncat", ""))
	if v == "" {
		return ""
	}
	five := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	if _, err := five.Parse(v); err != nil || strings.ContainsAny(v, "=@?") {
		d.invalid(n, "syncat", " (expected the five fields of a crontab schedule, such as '01 0 * * *')")
		return ""
	}
	return v
}

func (d *decoder) flow(n *node) *Flow {
	f := &Flow{}
	if servers := n.elems("server"); len(servers) > 0 {
		f.Servers = d.servers(n, servers)
	} else {
		f.Lan = strings.TrimSpace(d.need(n, "name"))
		d.checkLan(n, f.Lan)
	}
	d.finish(n)
	return f
}

func (d *decoder) replicated(n *node, earlier []Replicated) Replicated {
	r := Replicated{Dir: d.need(n, "dir"), ReadOnly: d.enumDefault(n, "mode", "", "read_only") != ""}
	if r.Dir != "" {
		if reason := d.dirProblem(r.Dir, earlier); reason != "" {
			code := "U13"
			if strings.HasPrefix(reason, "it is listed twice") {
				code = "U10"
			}
			d.errorf(code, n.lineOf("dir"), "replicated directory '%s': %s", clip(r.Dir), reason)
		}
		r.Dir = path.Clean(r.Dir)
	}
	for _, sub := range n.elems("notreplicated") {
		r.NotReplicated = append(r.NotReplicated, d.notReplicated(sub))
	}
	for _, sub := range n.elems("tocheck") {
		r.ToCheck = append(r.ToCheck, d.relative(sub))
		d.finish(sub)
	}
	d.finish(n)
	return r
}

// dirProblem tells why a directory cannot be replicated, "" when it can.
func (d *decoder) dirProblem(dir string, earlier []Replicated) string {
	if !path.IsAbs(dir) || strings.ContainsRune(dir, 0) {
		return "the path must be absolute"
	}
	dir = path.Clean(dir)
	if dir == "/" {
		return "it is the root of a file system"
	}
	for _, e := range earlier {
		if dir == e.Dir {
			return "it is listed twice"
		}
		if nested(dir, e.Dir) {
			return "one of it and '" + e.Dir + "' contains the other"
		}
	}
	for _, other := range d.env.Others {
		for _, used := range other.Dirs {
			if other.Module != d.env.Module && (dir == path.Clean(used) || nested(dir, path.Clean(used))) {
				return "the module '" + other.Module + "' replicates '" + used + "'"
			}
		}
	}
	return d.statProblem(dir)
}

func (d *decoder) statProblem(dir string) string {
	if d.env.Stat == nil {
		return ""
	}
	info, err := d.env.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist: create it on both nodes"
	case err != nil:
		return err.Error()
	case !info.Dir:
		return "it is not a directory"
	default:
		return ""
	}
}

// nested tells whether one of two clean paths lies below the other.
func nested(a, b string) bool { return strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/") }

func (d *decoder) notReplicated(n *node) NotReplicated {
	var x NotReplicated
	if n.has("path") == n.has("regexpath") {
		d.errorf("U03", n.line, "exactly one of the attributes 'path' and 'regexpath' is needed in <notreplicated>")
		d.finish(n)
		return x
	}
	if n.has("path") {
		x.Path = d.relative(n)
	} else {
		x.Regex = d.regex(n, "regexpath", "!")
	}
	d.finish(n)
	return x
}

// relative reads the attribute path: below the directory, clean.
func (d *decoder) relative(n *node) string {
	v := d.need(n, "path")
	if v == "" {
		return ""
	}
	clean := path.Clean(v)
	if path.IsAbs(v) || clean == "." || strings.ContainsRune(v, 0) || containsDotDot(v) {
		d.invalid(n, "path", " (expected a path below the replicated directory, without '..')")
		return ""
	}
	return clean
}

func containsDotDot(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

// regex reads an optional regular expression, after a prefix that may stand
// before it.
func (d *decoder) regex(n *node, name, prefix string) string {
	v := d.str(n, name, "")
	if v == "" {
		return ""
	}
	expr := strings.TrimPrefix(v, prefix)
	if _, err := CompileERE(expr); err != nil || expr == "" || len(expr) > maxRegex {
		d.invalid(n, name, " (expected a POSIX extended regular expression)")
		return ""
	}
	return v
}

// CompileERE compiles a POSIX extended regular expression as all attributes of
// that type mean it: case-sensitive, unanchored. A leading "!" of
// NotReplicated.Regex must be taken off first.
func CompileERE(expr string) (*regexp.Regexp, error) { return regexp.CompilePOSIX(expr) }
