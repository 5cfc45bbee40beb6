package site

import (
	"bytes"
	"embed"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed page.js
var scripts embed.FS

// assetKinds are the endings of files, and what they are served as.
var assetKinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".jpg": "image/jpeg", ".png": "image/png",
	".svg": "image/svg+xml", ".ico": "image/png", ".woff2": "font/woff2", ".gz": "application/gzip", ".zip": "application/zip",
	".txt": "text/plain; charset=utf-8", ".map": "application/json", ".webmanifest": "application/manifest+json",
}

func isAsset(name string) bool { _, ok := assetKinds[path.Ext(name)]; return ok }

// built is when files were changed last.
var built = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)

// serveAsset serves a file that is made from its name. It may be asked for in part and
// conditionally, and kept for an hour.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path
	kind := path.Ext(name)
	w.Header().Set("Content-Type", assetKinds[kind])
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Set("ETag", fmt.Sprintf(`"%08x"`, number(name)))
	w.Header().Set("Access-Control-Allow-Origin", "*")
	http.ServeContent(w, r, "", built, bytes.NewReader(content(name)))
}

func content(name string) []byte {
	switch path.Ext(name) {
	case ".css":
		return []byte(style(name))
	case ".js":
		text, _ := scripts.ReadFile("page.js")
		if strings.Contains(name, "vendor") || strings.Contains(name, "jquery") {
			return []byte("/* " + strings.Repeat(name+" ", 400) + "*/\n")
		}
		return text
	case ".jpg":
		var b bytes.Buffer
		jpeg.Encode(&b, picture(name), nil)
		return b.Bytes()
	case ".png", ".ico":
		var b bytes.Buffer
		png.Encode(&b, picture(name))
		return b.Bytes()
	case ".svg":
		return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24"><circle cx="12" cy="12" r="%d"/></svg>`, 4+number(name)%8)
	case ".gz", ".zip":
		return noise(name, 256<<10+int(number(name)%(1<<20)))
	case ".txt":
		return []byte(strings.Repeat(name+"\n", 20))
	}
	return noise(name, 8<<10)
}

func style(name string) string {
	n, folder := number(name), path.Dir(name)
	if folder == "." { // from a script that serves style sheets
		folder = "/media"
	}
	text := fmt.Sprintf("body { font: 16px sans-serif; color: #%06x; background: url(%s/bg-%d.png) }\nnav a { padding: 14px; display: inline-block }\n",
		n&0x3f3f3f, folder, n%3)
	return text + strings.Repeat(".c { padding: 1px }\n", int(n%80))
}

func picture(name string) image.Image {
	n := number(name)
	img := image.NewRGBA(image.Rect(0, 0, 48, 32))
	for y := range 32 {
		for x := range 48 {
			img.Set(x, y, color.RGBA{uint8(n) + uint8(3*x), uint8(n>>8) + uint8(5*y), uint8(n>>16) ^ uint8(x*y), 255})
		}
	}
	return img
}

// noise returns bytes that cannot be packed.
func noise(name string, size int) []byte {
	b := make([]byte, size)
	state := uint64(number(name)) | 1
	for i := range b {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		b[i] = byte(state)
	}
	return b
}
