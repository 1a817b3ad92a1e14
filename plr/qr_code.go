package plr

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"time"

	qrcode "github.com/skip2/go-qrcode"
)

// QRFormat is an image format.
type QRFormat string

// The formats.
const (
	QRFormatSVG QRFormat = "SVG"
	QRFormatPNG QRFormat = "PNG"
)

// Bounds of a QR code's edge, in pixels. Below, a telephone cannot read it;
// above, drawing costs too much.
const (
	MinQRSize = 128
	MaxQRSize = 1024
)

// QRCode is a drawn code.
type QRCode struct {
	Format QRFormat
	// Size is the edge in pixels.
	Size int
	// MediaType is image/svg+xml or image/png.
	MediaType string
	Image     []byte
}

// ShareLinkQR draws the address of one of the owner's links. CodeLinkEnded for
// a link that can never open again: a dead code must not be printed.
func (s *Service) ShareLinkQR(ctx context.Context, link *ShareLink, format QRFormat, size int) (*QRCode, error) {
	if size < MinQRSize || size > MaxQRSize {
		return nil, refuse(CodeOutOfRange, T(
			fmt.Sprintf("Choose a size from %d to %d pixels.", MinQRSize, MaxQRSize),
			fmt.Sprintf("Dewiswch faint o %d i %d picsel.", MinQRSize, MaxQRSize)), "size")
	}
	url := s.LinkURL(link)
	if url == "" {
		return nil, refuse(CodeLinkEnded, T("This link can no longer be opened.", "Ni ellir agor y ddolen hon mwyach."), "id")
	}
	select {
	case s.drawSlots <- struct{}{}:
		defer func() { <-s.drawSlots }()
	case <-ctx.Done():
		return nil, Unavailable(ctx.Err(), time.Second)
	}
	// Medium correction (15 %) is what SMART Health Links uses for codes on screens.
	code, err := qrcode.New(url, qrcode.Medium)
	if err != nil {
		return nil, err
	}
	code.DisableBorder = true
	modules := code.Bitmap()
	if format == QRFormatPNG {
		return drawPNG(modules, size)
	}
	return drawSVG(modules, size), nil
}

// quietZone is the white margin in modules that ISO/IEC 18004 asks for.
const quietZone = 4

// drawPNG draws with a palette of two colours: a tenth of the work of the
// library's own full-colour drawing.
func drawPNG(modules [][]bool, size int) (*QRCode, error) {
	n := len(modules) + 2*quietZone
	img := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	// Whole pixels per module keep edges sharp; what is left over widens the margin.
	scale := size / n
	margin := (size - scale*len(modules)) / 2
	for y, row := range modules {
		for x, dark := range row {
			if !dark {
				continue
			}
			for dy := range scale {
				start := img.PixOffset(margin+x*scale, margin+y*scale+dy)
				for dx := range scale {
					img.Pix[start+dx] = 1
				}
			}
		}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return nil, err
	}
	return &QRCode{Format: QRFormatPNG, Size: size, MediaType: "image/png", Image: buf.Bytes()}, nil
}

// drawSVG draws all dark modules as one path on a white ground, so that the
// code stays readable on a dark page.
func drawSVG(modules [][]bool, size int) *QRCode {
	n := len(modules) + 2*quietZone
	var path strings.Builder
	for y, row := range modules {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			start := x
			for x+1 < len(row) && row[x+1] {
				x++
			}
			fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+quietZone, y+quietZone, x-start+1, x-start+1)
		}
	}
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" shape-rendering="crispEdges" role="img" aria-label="QR code">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`, size, size, n, n, n, n, path.String())
	return &QRCode{Format: QRFormatSVG, Size: size, MediaType: "image/svg+xml", Image: []byte(svg)}
}
