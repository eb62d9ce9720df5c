{{/* The name of the ConfigMap with the settings. */}}
{{- define "driftgauge.configMapName" -}}
{{ .Values.driftgauge.existingConfigMap | default (printf "%s-driftgauge" .Release.Name | trunc 63 | trimSuffix "-") }}
{{- end }}

{{/* A document: the settings, unless they are somewhere else. */}}
{{- define "driftgauge.configMap" -}}
{{- if not (or .Values.driftgauge.existingConfigMap .Values.driftgauge.existingSecret) -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "driftgauge.configMapName" . }}
data:
  driftgauge.yml: |
    {{- .Values.driftgauge.settings | toYaml | nindent 4 }}
{{- end }}
{{- end }}

{{/* An item of initContainers, if the sidecar is a native one. */}}
{{- define "driftgauge.initContainers" -}}
{{- if .Values.driftgauge.nativeSidecar }}
{{- list (include "driftgauge.container" . | fromYaml) | toYaml }}
{{- end }}
{{- end }}

{{/* An item of containers, if it is an ordinary one. */}}
{{- define "driftgauge.containers" -}}
{{- if not .Values.driftgauge.nativeSidecar }}
{{- list (include "driftgauge.container" . | fromYaml) | toYaml }}
{{- end }}
{{- end }}

{{/* The container itself. */}}
{{- define "driftgauge.container" -}}
{{- with .Values.driftgauge -}}
name: driftgauge
image: {{ printf "%s:%s" .image.repository .image.tag }}
{{- if .nativeSidecar }}
restartPolicy: Always
{{- end }}
args:
- serve
- --config.file=/etc/driftgauge/driftgauge.yml
- --state.directory=/var/lib/driftgauge
{{- if .socket }}
- --push.listen-address=unix:/run/driftgauge/push.sock
{{- end }}
{{- with .args }}
{{ toYaml . }}
{{- end }}
ports:
- name: metrics
  containerPort: 9599
livenessProbe:
  httpGet:
    path: /-/healthy
    port: 9599
  periodSeconds: 30
  timeoutSeconds: 5
  failureThreshold: 4
resources:
  {{- toYaml .resources | nindent 2 }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  readOnlyRootFilesystem: true
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
- name: driftgauge-settings
  mountPath: /etc/driftgauge
  readOnly: true
- name: driftgauge-state
  mountPath: /var/lib/driftgauge
{{- if .profiles }}
- name: driftgauge-profiles
  mountPath: /var/lib/driftgauge-profiles
  readOnly: true
{{- end }}
{{- if .socket }}
- name: driftgauge-socket
  mountPath: /run/driftgauge
{{- end }}
{{- end }}
{{- end }}

{{/* An item of the model's volumeMounts, if it pushes to the socket. */}}
{{- define "driftgauge.socketMount" -}}
{{- if .Values.driftgauge.socket -}}
- name: driftgauge-socket
  mountPath: /run/driftgauge
{{- end }}
{{- end }}

{{/* Items of volumes. */}}
{{- define "driftgauge.volumes" -}}
- name: driftgauge-settings
  {{- if .Values.driftgauge.existingSecret }}
  secret:
    secretName: {{ .Values.driftgauge.existingSecret }}
    optional: true
  {{- else }}
  configMap:
    name: {{ include "driftgauge.configMapName" . }}
    optional: true
  {{- end }}
- name: driftgauge-state
  emptyDir: {}
{{- with .Values.driftgauge.profiles }}
- name: driftgauge-profiles
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .Values.driftgauge.socket }}
- name: driftgauge-socket
  emptyDir: {}
{{- end }}
{{- end }}
