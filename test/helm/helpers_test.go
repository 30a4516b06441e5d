package helm_test

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func newReader(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }

// stripComments returns the lines of a YAML document that are not comments.
func stripComments(document []byte) []byte {
	var kept [][]byte
	for line := range bytes.Lines(document) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			kept = append(kept, line)
		}
	}
	return bytes.Join(kept, nil)
}

// of returns the objects of one type.
func of[T runtime.Object](objects []runtime.Object) []T {
	var found []T
	for _, o := range objects {
		if o, ok := o.(T); ok {
			found = append(found, o)
		}
	}
	return found
}

// named returns the object of one type with a name. It fails the test if there is none.
func named[T interface {
	runtime.Object
	metav1.Object
}](t *testing.T, objects []runtime.Object, name string) T {
	t.Helper()
	all := of[T](objects)
	i := slices.IndexFunc(all, func(o T) bool { return o.GetName() == name })
	if i < 0 {
		t.Fatalf("no %T named %s", *new(T), name)
	}
	return all[i]
}

// pods returns the pod templates of all workloads by the name of the workload.
func pods(objects []runtime.Object) map[string]corev1.PodTemplateSpec {
	templates := map[string]corev1.PodTemplateSpec{}
	for _, o := range objects {
		switch o := o.(type) {
		case *appsv1.StatefulSet:
			templates[o.Name] = o.Spec.Template
		case *appsv1.Deployment:
			templates[o.Name] = o.Spec.Template
		case *batchv1.Job:
			templates[o.Name] = o.Spec.Template
		}
	}
	return templates
}

// environment returns the variables of the first container. A variable whose value comes from a field has the field's path
// as its value.
func environment(t *testing.T, pod corev1.PodTemplateSpec) map[string]string {
	t.Helper()
	variables := map[string]string{}
	for _, v := range pod.Spec.Containers[0].Env {
		if _, twice := variables[v.Name]; twice {
			t.Errorf("variable %s is set twice", v.Name)
		}
		variables[v.Name] = v.Value
		if v.ValueFrom != nil {
			variables[v.Name] = v.ValueFrom.FieldRef.FieldPath
		}
	}
	return variables
}
