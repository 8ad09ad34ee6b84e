using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Media.Flash;

/// <summary>A real block device over a file, by losetup.</summary>
internal sealed class LoopDevice : IDisposable
{
    private LoopDevice(string path) => Path = path;

    /// <summary>/dev/loopN.</summary>
    public string Path { get; }

    /// <summary>Makes one; a machine that cannot skips the test.</summary>
    public static LoopDevice Make(string file, long bytes)
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "loop devices need root");
        Skip.IfNot(File.Exists("/dev/loop-control") && File.Exists("/usr/sbin/losetup"), "no loop devices here");
        using (FileStream stream = File.Create(file))
            stream.SetLength(bytes);
        return new LoopDevice(ProgramRun.Of("losetup", "--find", "--show", file).Succeeded().Output.Trim());
    }

    public void Dispose() => ProgramRun.Of("losetup", "--detach", Path).Succeeded();
}
