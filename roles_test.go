//go:build linux

package shmpipe_test

import "shmpipe/internal/shmtest"

// roles are what child processes of these tests do.
var roles = map[string]shmtest.Role{
	"both-ends":       roleBothEnds,
	"create-and-send": roleCreateAndSend,
	"echo":            roleEcho,
	"echo-file":       roleEchoFile,
	"hold":            roleHold,
	"leak":            roleLeak,
	"open-as-nobody":  roleOpenAsNobody,
	"open-or-create":  roleOpenOrCreate,
	"receive-many":    roleReceiveMany,
	"receive-numbers": roleReceiveNumbers,
	"reopen":          roleReopen,
	"send-many":       roleSendMany,
	"send-numbers":    roleSendNumbers,
	"sleep":           roleSleep,
}
