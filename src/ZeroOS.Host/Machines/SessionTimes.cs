namespace ZeroOS.Host.Machines;

/// <summary>How long guests have to dial for sessions, in milliseconds.</summary>
/// <param name="AnswerMs">From the order to dial until the connection has shown its token.</param>
/// <param name="ProveMs">From the beginning of a connection until it has shown secret and token.</param>
internal sealed record SessionTimes(int AnswerMs = 10_000, int ProveMs = 5_000);
