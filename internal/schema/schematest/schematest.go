// Package schematest tests generators with the schema of a small shop. The schema uses every option. The files that a
// generator writes are compared with golden files.
package schematest

import (
	"context"
	"embed"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate" // for the resolver
	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	_ "google.golang.org/genproto/googleapis/api/annotations" // for the resolver
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	_ "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1" // for the resolver
	"github.com/casino-loyalty/loyalty/internal/golden"
)

//go:embed testdata
var shop embed.FS

// Shop returns the sources of the shop's schema by path.
func Shop(t testing.TB) map[string]string {
	t.Helper()
	sources := map[string]string{}
	err := fs.WalkDir(shop, "testdata", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := shop.ReadFile(path)
		sources[strings.TrimPrefix(path, "testdata/")] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

// Plugin compiles the sources as protoc does and returns a plugin that generates code for all of them.
func Plugin(t testing.TB, sources map[string]string) *protogen.Plugin {
	t.Helper()
	compiler := protocompile.Compiler{
		Resolver: protocompile.CompositeResolver{
			&protocompile.SourceResolver{Accessor: func(path string) (io.ReadCloser, error) {
				if source, ok := sources[path]; ok {
					return io.NopCloser(strings.NewReader(source)), nil
				}
				return nil, fs.ErrNotExist
			}},
			protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
				file, err := protoregistry.GlobalFiles.FindFileByPath(path)
				return protocompile.SearchResult{Desc: file}, err
			}),
		},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	var paths []string
	for path := range sources {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	files, err := compiler.Compile(context.Background(), paths...)
	if err != nil {
		t.Fatal(err)
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: paths}
	seen := map[string]bool{}
	for _, f := range files {
		addFile(request, f, seen)
	}
	// Encode and decode the request, so that its options have the Go types of this program.
	b, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	request = &pluginpb.CodeGeneratorRequest{}
	if err := proto.Unmarshal(b, request); err != nil {
		t.Fatal(err)
	}
	plugin, err := protogen.Options{}.New(request)
	if err != nil {
		t.Fatal(err)
	}
	return plugin
}

// addFile adds the files that f imports, and then f.
func addFile(request *pluginpb.CodeGeneratorRequest, f protoreflect.FileDescriptor, seen map[string]bool) {
	if seen[f.Path()] {
		return
	}
	seen[f.Path()] = true
	imports := f.Imports()
	for i := range imports.Len() {
		addFile(request, imports.Get(i).FileDescriptor, seen)
	}
	var file *descriptorpb.FileDescriptorProto
	if compiled, ok := f.(linker.Result); ok {
		file = compiled.FileDescriptorProto()
	} else {
		file = protodesc.ToFileDescriptorProto(f)
	}
	request.ProtoFile = append(request.ProtoFile, file)
}

// Golden runs generate on the shop's schema and compares each file that it writes with the golden file of that name in
// testdata.
func Golden(t *testing.T, generate func(*protogen.Plugin) error) {
	t.Helper()
	plugin := Plugin(t, Shop(t))
	if err := generate(plugin); err != nil {
		t.Fatal(err)
	}
	response := plugin.Response()
	if response.Error != nil {
		t.Fatal(response.GetError())
	}
	if golden.Updating() {
		if err := os.RemoveAll("testdata"); err != nil {
			t.Fatal(err)
		}
	}
	written := map[string]bool{}
	for _, f := range response.GetFile() {
		path := filepath.Join("testdata", filepath.FromSlash(f.GetName())+".golden")
		written[path] = true
		golden.Compare(t, path, f.GetContent())
	}
	checkAllWritten(t, written)
}

// checkAllWritten reports a test error for each golden file that the generator no longer writes.
func checkAllWritten(t *testing.T, written map[string]bool) {
	t.Helper()
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !written[path] {
			t.Errorf("%s is not generated any more; run make golden", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
