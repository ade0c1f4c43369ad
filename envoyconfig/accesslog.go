package envoyconfig

import (
	"slices"
	"strings"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	filelogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/file/v3"
	streamlogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/sluice-gateway/sluice/gateway"
)

func (t *translator) accessLog(l *accesslogv3.AccessLog, at string) (gateway.AccessLog, bool) {
	at += ".typed_config"
	if l.GetTypedConfig() == nil {
		t.fail(at, "is required")
		return gateway.AccessLog{}, false
	}
	switch strings.TrimPrefix(l.GetTypedConfig().GetTypeUrl(), "type.googleapis.com/") {
	case typeStdoutLog:
		log := &streamlogv3.StdoutAccessLog{}
		at, ok := t.unpack(l.GetTypedConfig(), log, at)
		return t.logFormat(gateway.AccessLog{Stdout: true}, log.GetLogFormat(), at+".log_format"), ok
	case typeStderrLog:
		log := &streamlogv3.StderrAccessLog{}
		at, ok := t.unpack(l.GetTypedConfig(), log, at)
		return t.logFormat(gateway.AccessLog{Stderr: true}, log.GetLogFormat(), at+".log_format"), ok
	default:
		log := &filelogv3.FileAccessLog{}
		at, ok := t.unpack(l.GetTypedConfig(), log, at)
		return t.fileLog(log, at), ok
	}
}

func (t *translator) fileLog(log *filelogv3.FileAccessLog, at string) gateway.AccessLog {
	var out gateway.AccessLog
	switch log.GetPath() {
	case "/dev/stdout":
		out.Stdout = true
	case "/dev/stderr":
		out.Stderr = true
	default:
		out.Path = log.GetPath()
	}
	out.Format = log.GetFormat()
	if members := log.GetJsonFormat(); members != nil {
		out.JSON = t.jsonFormat(members, at+".json_format")
	}
	return t.logFormat(out, log.GetLogFormat(), at+".log_format")
}

func (t *translator) logFormat(out gateway.AccessLog, f *corev3.SubstitutionFormatString, at string) gateway.AccessLog {
	switch format := f.GetFormat().(type) {
	case *corev3.SubstitutionFormatString_TextFormat:
		out.Format = format.TextFormat
	case *corev3.SubstitutionFormatString_TextFormatSource:
		text, _, _ := t.dataSource(format.TextFormatSource, at+".text_format_source")
		out.Format = string(text)
	case *corev3.SubstitutionFormatString_JsonFormat:
		out.JSON = t.jsonFormat(format.JsonFormat, at+".json_format")
	}
	return out
}

func (t *translator) jsonFormat(s *structpb.Struct, at string) []gateway.AccessLogMember {
	members := []gateway.AccessLogMember{}
	for name, value := range s.GetFields() {
		text, ok := value.GetKind().(*structpb.Value_StringValue)
		if !ok {
			t.fail(at, "the member %q is not a string; nested formats are not implemented, and numbers are to be quoted", name)
			continue
		}
		members = append(members, gateway.AccessLogMember{Name: name, Format: text.StringValue})
	}
	slices.SortFunc(members, func(a, b gateway.AccessLogMember) int { return strings.Compare(a.Name, b.Name) })
	return members
}
