package internaldeps

import (
	_ "github.com/99designs/gqlgen/graphql/executor"
	_ "github.com/99designs/gqlgen/graphql/introspection"
	_ "github.com/alicebob/miniredis/v2"
	_ "github.com/chromedp/chromedp"
	_ "github.com/coreos/go-oidc/v3/oidc"
	_ "github.com/go-jose/go-jose/v4"
	_ "github.com/go-json-experiment/json/jsontext"
	_ "github.com/luikyv/go-oidc/pkg/provider"
	_ "github.com/makiuchi-d/gozxing/qrcode"
	_ "github.com/redis/go-redis/v9"
	_ "github.com/skip2/go-qrcode"
	_ "github.com/vektah/gqlparser/v2"
	_ "go.etcd.io/bbolt"
	_ "golang.org/x/crypto/argon2"
	_ "golang.org/x/oauth2"
	_ "golang.org/x/sync/singleflight"
	_ "golang.org/x/text/unicode/norm"
)
