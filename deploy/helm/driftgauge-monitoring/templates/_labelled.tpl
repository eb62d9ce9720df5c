{{/* A generated object (text) with further labels: (list text labels). */}}
{{- define "driftgauge-monitoring.labelled" -}}
{{- $object := index . 0 | fromYaml -}}
{{- $_ := set $object.metadata "labels" (merge (dict) (index . 1) $object.metadata.labels) -}}
{{ toYaml $object }}
{{- end }}
