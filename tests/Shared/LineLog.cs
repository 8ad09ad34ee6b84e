using ZeroOS.Linux;

namespace ZeroOS.Tests.Shared;

/// <summary>A log whose lines, of whatever gravity, a test collects.</summary>
internal sealed class LineLog(Action<string> add) : ILog
{
    public static LineLog Quiet { get; } = new(_ => { });

    public void Info(string message) => add(message);

    public void Warn(string message) => add(message);

    public void Error(string message) => add(message);
}
