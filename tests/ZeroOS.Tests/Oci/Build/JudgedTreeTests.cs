using System.Text;

using Xunit;

using ZeroOS.Linux;
using ZeroOS.Oci.Build;
using ZeroOS.Oci.Registry;
using ZeroOS.Tests.Linux.Files;
using ZeroOS.Tests.Oci.Registry;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Oci.Build;

/// <summary>
/// Builds real images and lets others judge: umoci for what layers mean, GNU tar for archives, fsck.erofs and the kernel for the file system.
/// </summary>
[Trait("tier", "kernel")]
public sealed class JudgedTreeTests
{
    private const string Umoci = "/usr/bin/umoci";

    // A tree with everything a layer can carry; run in an empty directory by root.
    private const string BaseTree = """
        mkdir -p d/e empty gone keep/opq/old repl dir2file meta
        echo hi > a; head -c 5000 /dev/urandom > b; head -c 600000 /dev/urandom > d/big
        ln -s a l; ln -s "$(printf 'x%.0s' $(seq 3000))" longlink; ln a d/alink; ln b hard1
        mknod null c 1 3; mknod blk b 259 70000; mkfifo p; : > zero
        truncate -s 10M sparse; printf x | dd of=sparse bs=1 seek=5000000 conv=notrunc status=none
        chmod 4755 b; chown 1234:5678 b; chmod 700 meta
        : > "$(printf 'n%.0s' $(seq 255))"; : > "$(printf '\377\376')"
        for i in $(seq 400); do echo $i > d/e/file-with-a-long-name-$i; done
        for n in 512 513 3968 4096 4608 4609 8191; do head -c $n /dev/urandom > s$n; done
        echo x > gone/x; echo y > keep/opq/old/y; echo r > repl/r; echo f > file2dir; echo q > dir2file/q
        touch -d '1960-01-01 00:00:00.5 UTC' zero
        """;

    private const string Changes = """
        rm -rf gone a file2dir dir2file keep/opq repl d/e/*-1*
        mkdir -p file2dir keep/opq repl; echo n > file2dir/n; echo now > dir2file
        echo new > keep/opq/new; echo r2 > repl/r2; ln hard1 hard2; chmod 755 meta
        head -c 100000 /dev/urandom > late
        """;

    [SkippableFact]
    public void Two_layers_made_by_umoci_become_the_tree_umoci_unpacks()
    {
        MountedTree.Need(Umoci);
        using var temp = new TemporaryDirectory();
        string layout = temp["layout"], bundle = temp["bundle"], rootfs = temp["bundle/rootfs"];
        ProgramRun.Of(Umoci, "init", "--layout", layout).Succeeded();
        ProgramRun.Of(Umoci, "new", "--image", layout + ":v1").Succeeded();
        ProgramRun.Of(Umoci, "unpack", "--image", layout + ":v1", bundle).Succeeded();
        Shell(rootfs, BaseTree);
        SetXattr(rootfs + "/a", "security.capability", Convert.FromHexString("0100000200200000000000000000000000000000"));
        SetXattr(rootfs + "/d", "trusted.binary", [0, 255, 10, 61, 0]);
        ProgramRun.Of(Umoci, "repack", "--image", layout + ":v1", bundle).Succeeded();
        ProgramRun.Of("/bin/rm", "-rf", bundle).Succeeded();
        ProgramRun.Of(Umoci, "unpack", "--image", layout + ":v1", bundle).Succeeded();
        Shell(rootfs, Changes);
        ProgramRun.Of(Umoci, "repack", "--image", layout + ":v2", bundle).Succeeded();

        foreach (string tag in (string[])["v1", "v2"])
        {
            string reference = temp["reference-" + tag];
            ProgramRun.Of(Umoci, "unpack", "--image", $"{layout}:{tag}", reference).Succeeded();
            SortedDictionary<string, string> expected = PosixTree.Describe(reference + "/rootfs");
            Assert.True(expected.Count > 300);
            Assert.Equal(expected, MountedTree.OfDevice(Device(temp, $"oci:{layout}:{tag}", tag), temp["mnt"]));
        }
    }

    [SkippableFact]
    public void Root_file_system_directory_and_every_kind_of_tar_of_it_are_one_tree()
    {
        MountedTree.Need("/usr/bin/tar");
        using var temp = new TemporaryDirectory();
        string tree = Directory.CreateDirectory(temp["tree"]).FullName;
        Shell(tree, BaseTree);
        SetXattr(tree + "/b", "user.binary", [0, 255, 10, 61, 0]);
        SortedDictionary<string, string> expected = PosixTree.Describe(tree);
        Assert.Equal(expected, MountedTree.OfDevice(Device(temp, "rootfs:" + tree, "dir"), temp["mnt"]));
        foreach (string sparse in (string[])["0.0", "0.1", "1.0"])
        {
            string tar = temp[$"pax-{sparse}.tar"];
            ProgramRun.Of("/usr/bin/tar", "-C", tree, "--numeric-owner", "--xattrs", "--xattrs-include=*", "--format=posix", "-S", "--sparse-version="
                + sparse, "-cf", tar, ".").Succeeded();
            Assert.Equal(expected, MountedTree.OfDevice(Device(temp, "tar:" + tar, sparse), temp["mnt"]));
        }
        // GNU's own format has whole seconds and no attributes; everything else must agree.
        string gnu = temp["gnu.tar"];
        ProgramRun.Of("/usr/bin/tar", "-C", tree, "--numeric-owner", "--format=gnu", "-S", "-cf", gnu, ".").Succeeded();
        Assert.Equal(expected.Select(Coarse), MountedTree.OfDevice(Device(temp, "tar:" + gnu, "gnu"), temp["mnt"]).Select(Coarse));

        static string Coarse(KeyValuePair<string, string> line) =>
            line.Key + " " + System.Text.RegularExpressions.Regex.Replace(line.Value, @"(\.\d{9})|( user\.\S+)", "");
    }

    [SkippableFact]
    public async Task Published_flist_is_in_the_registry_whole_and_listed_under_its_image()
    {
        using DockerRegistry registry = await DockerRegistry.StartAsync();
        using RegistryClient client = new(registry.Url, plainHttp: true);
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path).AddLayer(new Formats.Tar.TarBytes().File("a", new string('x', 100_000)).File("b", "small").ToArray(), gzip: true);
        string subject = (string)image.Manifest()["digest"]!;
        image.Write(image.Manifest());
        BuildResult result = FlistBuilder.Build(FlistSource.Parse("oci:" + temp.Path), temp["out"]);
        await FlistPublisher.PushAsync(temp["out"], result.ManifestDigest, client, "demo/thing", "v1");
        await FlistPublisher.PushAsync(temp["out"], result.ManifestDigest, client, "demo/thing", "v1"); // again changes nothing

        FlistArtifact flist = FlistArtifact.Open(temp["out"], result.ManifestDigest);
        foreach (string reference in (string[])["v1", result.ManifestDigest])
            Assert.Equal(flist.ManifestBytes, (await client.GetManifestAsync("demo/thing", reference)).Bytes);
        foreach (ZeroOS.Flist.BlobDescriptor blob in (ZeroOS.Flist.BlobDescriptor[])[flist.Manifest.Config, flist.Manifest.Index, .. flist.Manifest.Data])
            Assert.Equal(blob.Size, (await client.GetBlobAsync("demo/thing", blob.Digest, 1 << 24)).Length);
        string referrers = Encoding.UTF8.GetString((await client.GetManifestAsync("demo/thing", subject.Replace(':', '-'))).Bytes);
        Assert.Equal(2, referrers.Split(result.ManifestDigest).Length);
    }

    private static string Device(TemporaryDirectory temp, string source, string name)
    {
        BuildResult result = FlistBuilder.Build(FlistSource.Parse(source), temp["out"]);
        FlistArtifact.Open(temp["out"], result.ManifestDigest).Verify(temp["device-" + name]);
        return temp["device-" + name];
    }

    private static unsafe void SetXattr(string path, string name, byte[] value)
    {
        // SAFETY: both strings end with NUL and the value's length is its own.
        fixed (byte* p = Encoding.UTF8.GetBytes(path + '\0'), n = Encoding.UTF8.GetBytes(name + '\0'), v = value)
            Assert.True(Libc.lsetxattr(p, n, v, (nuint)value.Length, 0) == 0, $"{path} {name}: {Libc.LastError}");
    }

    private static void Shell(string directory, string script) => ProgramRun.Of("/bin/bash", "-euc", $"cd '{directory}'\n{script}").Succeeded();
}
