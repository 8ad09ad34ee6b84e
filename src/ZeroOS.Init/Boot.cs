using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>What the steps of the boot share: the kernel they speak to, the log, and what they found.</summary>
internal sealed class Boot(IBootKernel kernel, KernelLog log)
{
    /// <summary>The kernel, or a stand-in in tests.</summary>
    public IBootKernel Kernel { get; } = kernel;

    /// <summary>The log.</summary>
    public KernelLog Log { get; } = log;

    /// <summary>The allowed settings of the command line, by key without "zeroos.".</summary>
    public IReadOnlyDictionary<string, string> Settings { get; set; } = new Dictionary<string, string>();

    /// <summary>The firmware started this image for this once: it is on trial (docs/update.md).</summary>
    public bool OnTrial { get; set; }

    /// <summary>The screen, if the computer has one.</summary>
    public BootScreen? Screen { get; set; }

    /// <summary>The armed watchdog, if the computer has one.</summary>
    public WatchdogDevice? Watchdog { get; set; }
}
