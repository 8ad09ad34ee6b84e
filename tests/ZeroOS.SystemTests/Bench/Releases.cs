using System.Globalization;
using System.Text.Json.Nodes;

namespace ZeroOS.SystemTests.Bench;

/// <summary>Those who make releases, two of three: images of other versions and other parts than the checkout's, and what is signed about them.</summary>
internal sealed class Releases
{
    /// <summary>Seconds for which health must hold in these releases.</summary>
    public const int HealthSeconds = 10;

    private readonly World _world;
    private readonly Zos[] _makers;
    private readonly Zos _stranger;
    private readonly string _keys, _pcrKey;

    private Releases(World world, Zos[] makers, Zos stranger, string keys, string pcrKey) =>
        (_world, _makers, _stranger, _keys, _pcrKey) = (world, makers, stranger, keys, pcrKey);

    /// <summary>Makes their keys.</summary>
    public static async Task<Releases> Make(World world)
    {
        Zos[] makers = [.. ((string[])["alice", "bob", "carol"]).Select(n => new Zos(Path.Combine(world.Folder, n)))];
        List<string> lines = ["threshold 2"];
        foreach (Zos maker in makers)
            lines.Add(await maker.NewKey());
        string keys = Path.Combine(world.Folder, "release-keys");
        await File.WriteAllLinesAsync(keys, lines);
        Zos stranger = new(Path.Combine(world.Folder, "stranger"));
        await stranger.NewKey();
        return new Releases(world, makers, stranger, keys, await NewPcrKey(world, "pcr"));
    }

    /// <summary>A key that signs PCR policies.</summary>
    public static async Task<string> NewPcrKey(World world, string name)
    {
        string folder = Path.Combine(world.Folder, name);
        await world.Owner.Ok("image", "keys", "new", "-o", folder);
        return Path.Combine(folder, "pcr.key");
    }

    /// <summary>
    /// Builds an image with these release keys, one key for PCR policies and a serial console; parts by their names may be replaced. Returns its folder.
    /// </summary>
    public Task<string> Image(string version, params (string Part, string File)[] instead) => Image(version, _pcrKey, instead);

    /// <summary>The same with another key for PCR policies.</summary>
    public async Task<string> Image(string version, string pcrKey, params (string Part, string File)[] instead)
    {
        string folder = Path.Combine(_world.Folder, "image-" + version), parts = Path.Combine(_world.Folder, "parts-" + version);
        Directory.CreateDirectory(parts);
        foreach (string part in Directory.EnumerateFileSystemEntries(Checkout.Path("out", "parts")))
            File.CreateSymbolicLink(Path.Combine(parts, Path.GetFileName(part)), part);
        foreach ((string part, string file) in instead)
        {
            File.Delete(Path.Combine(parts, part));
            File.CreateSymbolicLink(Path.Combine(parts, part), file);
        }
        (await _world.Owner.Run(TimeSpan.FromMinutes(5), "image", "build", "--repository", Checkout.Root, "--parts", parts, "--output", folder,
            "--release-version", version,
            "--release-keys", _keys, "--pcr-key", pcrKey, "--console", "ttyS0", "--append", BootableImage.EmulatedKernel, "--quick")).Ok();
        return folder;
    }

    /// <summary>A boot medium of an image with the world's farm settings on it.</summary>
    public async Task<string> Medium(string imageFolder)
    {
        string with = imageFolder + "-farm";
        (await _world.Owner.Run(TimeSpan.FromMinutes(2), "image", "build", "--image", imageFolder, "--farm", _world.FarmFile, "--output", with)).Ok();
        return Path.Combine(with, "zeroos.img");
    }

    /// <summary>Describes an image, signs it by so many of the makers, and puts it where nodes fetch it. Returns the release's file.</summary>
    public async Task<string> Release(string imageFolder, int signatures = 2, string channel = "stable", string minimum = "1.0.0", bool push = true)
    {
        string file = string.Create(CultureInfo.InvariantCulture, $"{imageFolder}-{channel}-{minimum}-{signatures}.json");
        await _makers[0].Ok("release", "new", "--image", imageFolder, "--channel", channel, "--minimum", minimum, "--at", "demo/zeroos", "--health-seconds",
            HealthSeconds.ToString(CultureInfo.InvariantCulture), "-o", file);
        for (int i = 1; i < signatures; i++)
            await _makers[i].Ok("release", "sign", file);
        if (push)
            await _makers[0].Ok("release", "push", file, "--image", imageFolder, "--registry", $"demo={_world.Registry.Here}");
        return file;
    }

    /// <summary>A release that somebody has signed besides whose key is none of the release keys.</summary>
    public async Task<string> SignedByStranger(string release)
    {
        string file = release + ".stranger";
        File.Copy(release, file);
        await _stranger.Ok("release", "sign", file);
        return file;
    }

    /// <summary>A release whose document was changed by hand.</summary>
    public static string Changed(string release, string how, Action<JsonNode> change)
    {
        JsonNode document = JsonNode.Parse(File.ReadAllText(release))!;
        change(document);
        string file = $"{release}.{how}";
        File.WriteAllText(file, document.ToJsonString());
        return file;
    }

    /// <summary>
    /// A static program of a few instructions, to stand in for /init: 60 is exit, which panics the kernel; 34 is pause, which hangs for ever.
    /// </summary>
    public async Task<string> Program(string name, int systemCall)
    {
        string source = Path.Combine(_world.Folder, name + ".s"), program = Path.Combine(_world.Folder, name);
        await File.WriteAllTextAsync(source,
            string.Create(CultureInfo.InvariantCulture, $".globl _start\n_start:\nmov ${systemCall}, %eax\nmov $1, %edi\nsyscall\njmp _start\n"));
        (await Command.Run("gcc", ["-static", "-nostdlib", "-o", program, source], TimeSpan.FromMinutes(1))).Ok();
        return program;
    }
}
