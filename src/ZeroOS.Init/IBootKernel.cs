using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>What the boot asks of the kernel, so that the sequence can be tried against a fake one.</summary>
internal interface IBootKernel
{
    /// <summary>What is mounted, oldest first; empty before /proc is there.</summary>
    IReadOnlyList<MountPoint> Mounted();

    /// <summary>mount(2).</summary>
    Errno Mount(string source, string target, string type, MountFlags flags, string options);

    /// <summary>mkdir(2); an existing directory is fine.</summary>
    void MakeDirectory(string path, int mode);

    /// <summary>Writes a small file of the kernel's.</summary>
    Errno Write(string path, string text);

    /// <summary>Makes a regular file, or replaces what it held.</summary>
    void MakeFile(string path, string text);

    /// <summary>Reads a small file; null if it cannot be.</summary>
    string? Read(string path);

    /// <summary>Whether something is there.</summary>
    bool Exists(string path);

    /// <summary>Bytes of all files under the root, other mounts left out.</summary>
    long RootBytes();

    /// <summary>
    /// Moves every file under the root, other mounts left out, into <paramref name="newRoot"/>, one at a time so that memory holds none twice.
    /// </summary>
    void MoveRootFiles(string newRoot);

    /// <summary>Makes the mount at <paramref name="newRoot"/> the root.</summary>
    void MoveOverRoot(string newRoot);

    /// <summary>Starts /init anew in this process; does not return.</summary>
    void ReExecute();

    /// <summary>Opens the log.</summary>
    void OpenLog(KernelLog log);

    /// <summary>Sets the screen and the keyboard up and says what boots; null if there is none.</summary>
    BootScreen? OpenScreen();

    /// <summary>Arms the watchdog; null if there is none.</summary>
    WatchdogDevice? ArmWatchdog(int timeoutSeconds);

    /// <summary>Mixes bytes of the hardware's generator, if any, into the kernel's pool (not credited), then waits until random numbers are good.</summary>
    void GatherRandomness();

    /// <summary>Brings the loopback interface up.</summary>
    void LoopbackUp();

    /// <summary>Ctrl-Alt-Del becomes a signal.</summary>
    Errno TameCtrlAltDel();

    /// <summary>Sets this process's limit of open files, and so its children's.</summary>
    void LimitOpenFiles(ulong limit);
}
