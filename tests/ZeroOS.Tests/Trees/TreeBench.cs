using ZeroOS.Formats.Tar;
using ZeroOS.Linux;
using ZeroOS.Tests.Oci.Build;
using ZeroOS.Tests.Shared;
using ZeroOS.Trees;

namespace ZeroOS.Tests.Trees;

/// <summary>Folders of one test: a tree that is packed, and one that is unpacked into; with tar(1) as the judge of what is between.</summary>
internal sealed class TreeBench : ITreeWatcher, IDisposable
{
    private readonly TemporaryDirectory _work = new();

    public TreeBench()
    {
        Directory.CreateDirectory(From);
        Directory.CreateDirectory(To);
        File.WriteAllText(Outside, "outside");
    }

    public string From => _work["from"];

    public string To => _work["to"];

    /// <summary>A file beside both, which nothing may read or change.</summary>
    public string Outside => _work["outside"];

    public List<string> Notes { get; } = [];

    public long Bytes { get; private set; }

    public void Note(string sentence) => Notes.Add(sentence);

    public void Moved(int bytes) => Bytes += bytes;

    /// <summary>A shell's words, in the tree that is packed.</summary>
    public TreeBench Make(string script)
    {
        ProgramRun.Of("/bin/sh", "-ec", $"cd {From}; {script}").Succeeded();
        return this;
    }

    public byte[] Pack(string name = "", string asName = "t", Action<string>? looked = null)
    {
        using MemoryStream archive = new();
        TarWriter tar = new(archive.Write);
        using OpenDirectory directory = OpenDirectory.Open(From);
        new TreePacker(tar, this) { Looked = looked }.Pack(directory, name, asName);
        tar.End();
        return archive.ToArray();
    }

    public int Unpack(byte[] archive, string? name = null, bool keepsOwners = false, bool local = false, Action<string>? before = null)
    {
        using OpenDirectory directory = OpenDirectory.Open(To);
        TreeUnpacker unpacker = new(this) { KeepsOwners = keepsOwners, LeavesOutLinksThatLeadOut = local, BeforeEntry = before };
        unpacker.Unpack(new MemoryStream(archive), (_, _) => new TreePlace(directory, name));
        return unpacker.Done;
    }

    /// <summary>What tar(1) says to an archive, without times of its own.</summary>
    public string Tar(string options, byte[] archive)
    {
        string file = _work.Write("archive.tar", archive);
        return ProgramRun.Of("/bin/sh", "-c", $"cd {To} && TZ=UTC tar {options} -f {file}").Succeeded().Output;
    }

    /// <summary>An archive by tar(1) of the tree that is packed.</summary>
    public byte[] TarOf(string options)
    {
        string file = _work["made.tar"];
        ProgramRun.Of("/bin/sh", "-c", $"cd {From} && tar -c -f {file} {options}").Succeeded();
        return File.ReadAllBytes(file);
    }

    /// <summary>A line for everything in a folder: kind, mode, target, size, time; owners if wanted. Links and pipes have no time that counts.</summary>
    public string List(string folder, bool owners = false)
    {
        string what = owners ? "%P %y %m %U:%G %l " : "%P %y %m %l ";
        string times = "\\( -type l,p -printf '\\n' -o -type d -printf '%Ts\\n' -o -printf '%s %Ts\\n' \\)";
        return ProgramRun.Of("/bin/sh", "-c", $"cd {folder} && find . -mindepth 1 -printf '{what}' -a {times} | LC_ALL=C sort").Succeeded().Output;
    }

    public void Dispose() => _work.Dispose();

    /// <summary>Nothing was laid in, and what lies outside is as it was.</summary>
    public void AssertNothing()
    {
        Assert.Equal("", List(To));
        AssertOutside();
    }

    public void AssertOutside() => Assert.Equal("outside", File.ReadAllText(Outside));
}
