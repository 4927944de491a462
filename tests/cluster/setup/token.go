package setup

import (
	"context"
	"fmt"
	"os"

	authv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Token asks for a token of a service account and writes it to a file.
func Token(ctx context.Context, client kubernetes.Interface, namespace, account, file string) (string, error) {
	// A test instance lives for minutes, a developer's for days.
	seconds := int64(7 * 24 * 3600)
	request := &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	answer, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("asking for a token of %s/%s: %w", namespace, account, err)
	}
	return answer.Status.Token, os.WriteFile(file, []byte(answer.Status.Token), 0o600)
}
