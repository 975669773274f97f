package cluster

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/cluster/identity"
)

// Limits of a bundle: the zip that -G sends and `cluster config` accepts.
const (
	maxBundle        = 4 << 20
	maxBundleEntries = 256
	maxKeyFile       = 64 << 10
)

// bundle is an opened zip.
type bundle struct {
	xml  []byte
	keys *keys // nil when it brings none
}

// readBundle opens a zip; its files may lie at the top or in a folder named
// cluster. Entries it does not know are ignored (row C14 for a missing
// cluster.xml).
func readBundle(name string, data []byte) (bundle, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(r.File) > maxBundleEntries {
		return bundle{}, fmt.Errorf("no cluster.xml in %s: not a usable zip file", name)
	}
	files := map[string][]byte{}
	for _, e := range r.File {
		base := path.Base(e.Name)
		if e.Name != base && e.Name != "cluster/"+base {
			continue
		}
		limit := int64(maxKeyFile)
		switch base {
		case xmlFile:
			limit = clusterxml.MaxSize
		case identity.CACertFile, identity.CAKeyFile, identity.KeyFile:
		default:
			continue
		}
		if _, twice := files[base]; twice {
			return bundle{}, fmt.Errorf("read %s: %s is there twice", name, base)
		}
		if files[base], err = readEntry(e, limit); err != nil {
			return bundle{}, fmt.Errorf("read %s: %w", name, err)
		}
	}
	xml, ok := files[xmlFile]
	if !ok {
		return bundle{}, fmt.Errorf("no cluster.xml in %s", name)
	}
	k, err := readKeys(files)
	if err != nil {
		return bundle{}, fmt.Errorf("read %s: %w", name, err)
	}
	return bundle{xml, k}, nil
}

func readEntry(e *zip.File, limit int64) ([]byte, error) {
	r, err := e.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", e.Name, limit)
	}
	return raw, nil
}

// readKeys takes all the key files or none.
func readKeys(files map[string][]byte) (*keys, error) {
	cert, key, secret := files[identity.CACertFile], files[identity.CAKeyFile], files[identity.KeyFile]
	if cert == nil && key == nil && secret == nil {
		return nil, nil
	}
	if cert == nil || key == nil || secret == nil {
		return nil, errors.New("some key files are there and some are missing")
	}
	authority, err := identity.ParseAuthority(cert, key)
	if err != nil {
		return nil, err
	}
	k, err := identity.ParseKey(secret)
	if err != nil {
		return nil, err
	}
	return &keys{authority, k}, nil
}

// Bundle packs what another node needs to be in this cluster, secrets
// included: the cluster.xml in the folder, the authority, and the cluster key
// (the one made by GenKey or DelKey, when there is one).
func (m *Manager) Bundle() ([]byte, error) {
	a := m.Active()
	if a == nil {
		return nil, ErrNotConfigured
	}
	f := m.folder()
	xml, err := f.read(xmlFile, clusterxml.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("pack the cluster configuration: %w", err)
	}
	key, err := f.read(nextKeyFile, maxKeyFile)
	if errors.Is(err, os.ErrNotExist) {
		key, err = a.Identity.Key.Encode()
	}
	if err != nil {
		return nil, fmt.Errorf("pack the cluster configuration: %w", err)
	}
	caCert, caKey := a.Identity.Authority.PEM()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range []struct {
		name string
		raw  []byte
	}{{xmlFile, xml}, {identity.CACertFile, caCert}, {identity.CAKeyFile, caKey}, {identity.KeyFile, key}} {
		part, err := w.Create(e.name)
		if err == nil {
			_, err = part.Write(e.raw)
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack the cluster configuration: %w", err)
	}
	return b.Bytes(), nil
}
