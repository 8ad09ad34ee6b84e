using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Oci.Build;

/// <summary>A directory that goes away with the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("zeroos-flist-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, byte[] content)
    {
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    /// <summary>By rm: names that are not UTF-8 cannot be deleted from .NET.</summary>
    public void Dispose() => ProgramRun.Of("/bin/rm", "-rf", Path);
}
