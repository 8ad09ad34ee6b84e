namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// QEMU has ended before what was waited for: there is no hope. A <see cref="TimeoutException"/> ends an attempt, and <see cref="Eventually"/> makes another;
/// this ends the wait.
/// </summary>
internal sealed class NodeEndedException(string message) : Exception(message);
