{{/* The prefix of all names: the release, or the release and the chart. */}}
{{- define "loyalty.name" -}}
{{- if contains "loyalty" .Release.Name -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- else -}}{{ printf "%s-loyalty" .Release.Name | trunc 40 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{/* Labels of every object. Context: a dict with root and component. */}}
{{- define "loyalty.labels" -}}
{{ include "loyalty.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: loyalty
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Labels that select the pods of a component. */}}
{{- define "loyalty.selector" -}}
app.kubernetes.io/name: loyalty
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "loyalty.image" -}}
{{ required "image.repository is required, for example registry.example.com/loyalty" .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* Settings that the chart sets itself. */}}
{{- define "loyalty.reserved" -}}
LOYALTY_LISTEN LOYALTY_DIAGNOSTICS_LISTEN LOYALTY_INTERNAL_LISTEN LOYALTY_LEDGER_ADDRESS LOYALTY_JWKS_URL LOYALTY_INSECURE_JWKS LOYALTY_INSTANCE LOYALTY_TRUSTED_PROXIES LOYALTY_INTERNAL_TLS_CERTIFICATE LOYALTY_INTERNAL_TLS_KEY LOYALTY_INTERNAL_TLS_CA
{{- end -}}

{{/* Environment variables from a map of settings. */}}
{{- define "loyalty.settings" -}}
{{- $reserved := splitList " " (include "loyalty.reserved" .) -}}
{{- range $name, $value := . }}
{{- if has $name $reserved }}{{ fail (printf "settings: %s is set by the chart" $name) }}{{ end }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{/* Environment variables and mounts that the services and the jobs share. Context: the root. */}}
{{- define "loyalty.caEnv" -}}
{{- if .Values.caConfigMap }}
- name: SSL_CERT_FILE
  value: /etc/loyalty/ca/ca.crt
{{- end }}
{{- end -}}
{{- define "loyalty.caMount" -}}
{{- if .Values.caConfigMap }}
- name: ca
  mountPath: /etc/loyalty/ca
  readOnly: true
{{- end }}
{{- end -}}
{{- define "loyalty.caVolume" -}}
{{- if .Values.caConfigMap }}
- name: ca
  configMap:
    name: {{ .Values.caConfigMap }}
{{- end }}
{{- end -}}

{{- define "loyalty.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
fsGroup: {{ .user }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}
{{- define "loyalty.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Scheduling of the pods of a component. */}}
{{- define "loyalty.scheduling" -}}
topologySpreadConstraints:
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "loyalty.selector" $ | nindent 8 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "loyalty.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The parts of the Nginx configuration that depend on the installation. */}}
{{- define "loyalty.realIP" -}}
{{- range .Values.gateway.realIPFrom }}
set_real_ip_from {{ . }};
{{- end }}
{{- if .Values.gateway.realIPFrom }}
real_ip_header X-Forwarded-For;
real_ip_recursive on;
{{- end }}
{{- end -}}
{{- define "loyalty.gatewayLimits" -}}
limit_req_zone $binary_remote_addr zone=login:10m    rate={{ .Values.gateway.loginRate }};
limit_req_zone $binary_remote_addr zone=register:10m rate={{ .Values.gateway.registerRate }};
limit_conn_zone $binary_remote_addr zone=address:10m;
limit_conn address {{ .Values.gateway.connectionsPerAddress }};
limit_conn_zone $request_address zone=requests:10m;
limit_conn requests {{ .Values.gateway.requestsPerAddress }};
{{- end -}}
{{- define "loyalty.gatewayReplicas" -}}
# The address of a Service stays the same when its pods change, so Nginx needs no reload. Each further line allows one more
# attempt, on another connection.
{{- range $upstream := list "users" "promotions" "notifications" "users_grpc" "promotions_grpc" "notifications_grpc" "notifications_ws" }}
upstream {{ $upstream }} {
    zone {{ $upstream }} 256k;
{{- range until 3 }}
    server {{ include "loyalty.name" $ }}-{{ $upstream | trimSuffix "_grpc" | trimSuffix "_ws" }}:8080 max_fails=0;
{{- end }}
    include upstream.conf;
}
{{- end }}
{{- end -}}
