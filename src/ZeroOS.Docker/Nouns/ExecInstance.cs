using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Docker.Nouns;

/// <summary>A second program in a container: created, then started once. It is this program's own, and gone with it.</summary>
internal sealed class ExecInstance
{
    /// <summary>64 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>The container's id.</summary>
    public required string ContainerId { get; init; }

    /// <summary>The container's machine.</summary>
    public required MachineName Machine { get; init; }

    /// <summary>What is to run, without its terminal.</summary>
    public required ExecBegin Begin { get; init; }

    /// <summary>It gets a terminal.</summary>
    public required bool Tty { get; init; }

    /// <summary>Which of its streams the client wants.</summary>
    public required (bool Output, bool Errors) Wanted { get; init; }

    /// <summary>The terminal's size.</summary>
    public TerminalSize Size { get; set; } = new(80, 24);

    /// <summary>The program while it runs.</summary>
    public Session? Session { get; set; }

    /// <summary>Somebody has started it.</summary>
    public bool IsStarted { get; set; }

    /// <summary>Its exit code; null before its end.</summary>
    public int? ExitCode { get; set; }
}
