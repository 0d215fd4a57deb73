{{- define "hyperstream.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "hyperstream.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hyperstream.labels" -}}
{{ include "hyperstream.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* The stateful set of one role; called with root, role, settings, replicas and gpu. */ -}}
{{- define "hyperstream.role" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $context := get $values.env "MICRONAUT_SERVER_CONTEXT_PATH" | default "" | trimSuffix "/" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ include "hyperstream.name" $root }}-{{ .role }}
  labels:
    {{- include "hyperstream.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  serviceName: {{ include "hyperstream.name" $root }}-pods
  {{- with .replicas }}
  replicas: {{ . }}
  {{- end }}
  # No replica waits for another one.
  podManagementPolicy: Parallel
  selector:
    matchLabels:
      {{- include "hyperstream.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .role }}
  template:
    metadata:
      labels:
        {{- include "hyperstream.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .role }}
    spec:
      serviceAccountName: {{ include "hyperstream.name" $root }}
      automountServiceAccountToken: false
      # A Service named hyperstream-http would set HYPERSTREAM_HTTP_PORT to its address.
      enableServiceLinks: false
      # Longer than hyperstream.streams.shutdown-timeout.
      terminationGracePeriodSeconds: 45
      {{- with $values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if and .gpu $values.gpu.runtimeClassName }}
      runtimeClassName: {{ $values.gpu.runtimeClassName }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: hyperstream
          {{- if .gpu }}
          image: "{{ $values.gpu.image.repository }}:{{ $values.gpu.image.tag }}"
          {{- else }}
          image: "{{ $values.image.repository }}:{{ $values.image.tag | default $root.Chart.AppVersion }}"
          {{- end }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          args: [serve, --roles, {{ .role }}]
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          env:
            - { name: HYPERSTREAM_KAFKA_BOOTSTRAP_SERVERS, value: {{ required "kafka.bootstrapServers is required: host:port of your brokers" $values.kafka.bootstrapServers | quote }} }
            - { name: HYPERSTREAM_REGISTRY_URL, value: {{ required "registry.url is required: where your schema registry is" $values.registry.url | quote }} }
            - { name: HYPERSTREAM_MODEL_NAME, value: {{ $values.model.name | quote }} }
            - { name: HYPERSTREAM_HTTP_ACCESS, value: {{ $values.http.access | default (ternary "closed" "authenticated" (empty $values.http.keysSecret)) }} }
            {{- with $values.http.keysSecret }}
            - name: HYPERSTREAM_HTTP_API_KEYS
              valueFrom: { secretKeyRef: { name: {{ . }}, key: api-keys } }
            {{- end }}
            {{- with $values.kafka.topicPrefix }}
            - { name: HYPERSTREAM_KAFKA_TOPIC_PREFIX, value: {{ . | quote }} }
            {{- end }}
            {{- if $values.model.existingClaim }}
            - { name: HYPERSTREAM_MODEL_DIR, value: /var/lib/hyperstream-models }
            {{- else if $values.model.dir }}
            - { name: HYPERSTREAM_MODEL_DIR, value: {{ $values.model.dir | quote }} }
            {{- end }}
            {{- if $values.clientSecret }}
            - { name: HYPERSTREAM_COMMAND_CONFIG, value: /etc/hyperstream/client/client.properties }
            {{- end }}
            {{- with $values.tracing.endpoint }}
            - { name: HYPERSTREAM_TRACING_ENABLED, value: "true" }
            - { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
            {{- end }}
            {{- with $values.javaOpts }}
            - { name: JAVA_OPTS, value: {{ . | quote }} }
            {{- end }}
            {{- range $name, $value := $values.env }}
            - { name: {{ $name }}, value: {{ $value | quote }} }
            {{- end }}
          {{- with $values.model.secret }}
          envFrom:
            - secretRef: { name: {{ . }} }
          {{- end }}
          ports:
            - { name: http, containerPort: 8080 }
          # The start loads the model and waits for Kafka and the registry.
          startupProbe:
            httpGet: { path: {{ $context }}/health/liveness, port: http }
            periodSeconds: 5
            failureThreshold: 60
          livenessProbe:
            httpGet: { path: {{ $context }}/health/liveness, port: http }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: {{ $context }}/health/readiness, port: http }
            periodSeconds: 5
            timeoutSeconds: 5
          resources:
            {{- $resources := deepCopy .settings.resources }}
            {{- if .gpu }}
            {{- $_ := set $resources "limits" (merge (dict "nvidia.com/gpu" $values.gpu.count) ($resources.limits | default dict)) }}
            {{- end }}
            {{- toYaml $resources | nindent 12 }}
          volumeMounts:
            - { name: state, mountPath: /var/lib/hyperstream }
            - { name: tmp, mountPath: /tmp }
            {{- if $values.model.existingClaim }}
            - { name: models, mountPath: /var/lib/hyperstream-models }
            {{- end }}
            {{- if $values.clientSecret }}
            - { name: client, mountPath: /etc/hyperstream/client, readOnly: true }
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: {}
        {{- with $values.model.existingClaim }}
        - name: models
          persistentVolumeClaim: { claimName: {{ . }} }
        {{- end }}
        {{- with $values.clientSecret }}
        - name: client
          secret: { secretName: {{ . }}, defaultMode: 0440 }
        {{- end }}
      # Replicas on machines of their own, where there are enough.
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "hyperstream.selector" $root | nindent 14 }}
              app.kubernetes.io/component: {{ .role }}
      {{- with .settings.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .settings.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .settings.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
  volumeClaimTemplates:
    - metadata:
        name: state
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $values.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: { requests: { storage: {{ .settings.storage }} } }
{{- end }}
