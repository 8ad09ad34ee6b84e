using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Docker.Creation;

/// <summary>What a container has besides its image.</summary>
/// <param name="Mounts">Volumes.</param>
/// <param name="Files">Files of this computer.</param>
/// <param name="Folders">Places of folders of this computer: what the image has there is hidden, as by a mount.</param>
internal sealed record MachineDisks(IReadOnlyList<MachineMount> Mounts, IReadOnlyList<MachineFile> Files, IReadOnlyList<string> Folders)
{
    // Room for as many files as there may be, each in pages of its own.
    private static readonly ByteSize s_folderSize = new(1 << 20);

    /// <summary>A machine with all of them.</summary>
    public ZmachineData With(ZmachineData data) => data with
    {
        Mounts = Mounts,
        Files = Files.Count > 0 ? Files : null,
        Tmpfs = Folders.Count == 0 ? data.Tmpfs
            : [.. data.Tmpfs ?? [], .. Folders.Select(f => new MachineTmpfs { Path = f, Size = s_folderSize, Mode = "0755" })],
    };
}
