using System.Security.Cryptography;

using ZeroOS.Formats.Fat;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Formats.Fat;

/// <summary>Volumes are made by mkfs.vfat and filled by mtools; fsck.fat and mtools judge what we made of them.</summary>
public sealed class FatVolumeTests : IDisposable
{
    private const int VolumeBytes = 34 << 20; // the least that every judge takes for FAT32, with clusters of one sector
    private const string Kept = "EFI/BOOT/BOOTX64.EFI", Trial = "EFI/ZEROOS/TRIAL.EFI", Settings = "EFI/ZEROOS/TRIAL.EFI.extra.d/farm.cred";

    private readonly TemporaryDirectory _folder = new();
    private readonly byte[] _old = RandomNumberGenerator.GetBytes(70_001), _new = RandomNumberGenerator.GetBytes(90_113),
        _farm = RandomNumberGenerator.GetBytes(700);

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void Files_that_mtools_wrote_are_found_by_any_case_and_read_whole()
    {
        FatVolume volume = Open(Volume());
        Assert.Equal(_old, volume.Read(volume.Find("efi/boot/bootx64.efi")!, 1 << 20));
        Assert.Equal(_farm, volume.Read(volume.Find("EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred")!, 1 << 20));
        Assert.Null(volume.Find(Trial));
        Assert.Null(volume.Find("EFI/BOOT/BOOTX64.EFI/farm.cred"));
        Assert.Throws<FatException>(() => volume.Read(volume.Find(Kept)!, 70_000));
    }

    [SkippableFact]
    public void What_is_written_is_read_by_mtools_and_nothing_is_wrong_for_fsck()
    {
        CutMedium medium = new(Volume());
        FatVolume volume = Open(medium);
        long free = volume.FreeBytes();
        volume.Write(Settings, _farm);
        volume.Write(Trial, _new);
        volume.Write("EFI/ZEROOS/empty.with.a.long name", ReadOnlyMemory<byte>.Empty);
        Assert.Equal(_new, Type(medium, Trial));
        Assert.Equal(_farm, Type(medium, Settings));
        Assert.Equal(_old, Type(medium, Kept));
        Assert.Contains("farm.cred", Judge.Ask("mdir", "-b", "-/", "-i", Save(medium.Content), "::"), StringComparison.Ordinal);
        Fsck(medium.Content);

        volume.Write(Trial, _old); // another content for a name that is there
        volume.Write(Trial, _new.AsMemory(0, 10));
        Assert.Equal(_new[..10], Type(medium, Trial));
        Fsck(medium.Content);
        Assert.Equal(free - (3 * 512) - (2 * 512), volume.FreeBytes()); // two directories and ten bytes take a cluster each, the settings two
    }

    [SkippableFact]
    public void A_directory_grows_when_its_cluster_is_full()
    {
        CutMedium medium = new(Volume());
        FatVolume volume = Open(medium);
        for (int i = 0; i < 60; i++)
            volume.Write($"EFI/ZEROOS/a file with a rather long name, number {i}.cred", new byte[] { (byte)i });
        for (int i = 0; i < 60; i++)
            Assert.Equal([(byte)i], volume.Read(volume.Find($"EFI/ZEROOS/a file with a rather long name, number {i}.cred")!, 10));
        Assert.Equal([37], Type(medium, "EFI/ZEROOS/a file with a rather long name, number 37.cred"));
        Fsck(medium.Content);
    }

    [SkippableFact]
    public void An_exchange_turns_two_names_around_and_back()
    {
        CutMedium medium = new(Volume());
        FatVolume volume = Open(medium);
        volume.Write(Trial, _new);
        volume.Exchange(Kept, Trial);
        Holds(medium, _new, _old);
        Fsck(medium.Content);
        Assert.False(volume.Settle(Kept, Trial));
        volume.Exchange(Kept, Trial);
        Holds(medium, _old, _new);
        Fsck(medium.Content);
        Assert.Throws<FatException>(() => volume.Exchange(Kept, "EFI/ZEROOS/NONE.EFI"));
    }

    [SkippableFact]
    public void No_room_is_said_before_anything_is_written()
    {
        CutMedium medium = new(Volume());
        FatVolume volume = Open(medium);
        volume.Write("EFI/ZEROOS/X", new byte[1]);
        int steps = medium.Steps;
        FatException e = Assert.Throws<FatException>(() => volume.Write(Trial, new byte[VolumeBytes]));
        Assert.Contains("no room", e.Message, StringComparison.Ordinal);
        Assert.Equal(steps, medium.Steps);
    }

    [SkippableFact]
    public void Wherever_the_power_goes_the_kept_file_is_whole_and_the_update_can_be_done_again()
    {
        const int Seed = 20261125;
        byte[] before = Volume(tiny: true);
        CutMedium medium = new([.. before]);
        int exchange = Update(medium);
        Random random = new(Seed);
        int kept = 0, crossed = 0;
        for (int steps = 0; steps <= medium.Steps; steps++)
        {
            for (int chance = 0; chance < 4; chance++)
            {
                CutMedium left = new(medium.CutAfter(steps, random));
                string at = $"cut after step {steps} of {medium.Steps}, chance {chance}, seed {Seed}";
                FatVolume volume = Open(left);
                byte[] found = volume.Read(volume.Find(Kept)!, 1 << 20);
                bool isNew = found.AsSpan().SequenceEqual(_new);
                Assert.True(isNew ? steps > exchange : found.AsSpan().SequenceEqual(_old), $"{at}: the kept file is neither version");
                Assert.Equal(_farm, volume.Read(volume.Find("EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred")!, 1 << 20));
                kept += isNew ? 1 : 0;
                crossed += volume.Settle(Kept, Trial) ? 1 : 0;
                if (isNew)
                {
                    // The next update replaces what is in the other slot and must not touch what is kept.
                    volume.Write(Trial, _old);
                    Assert.Equal(_new, Read(left, Kept));
                    volume.Exchange(Kept, Trial);
                }
                Update(left);
                Assert.True(Read(left, Kept).AsSpan().SequenceEqual(_new), at);
                Assert.True(Read(left, Trial).AsSpan().SequenceEqual(_old), at);
                Assert.Equal(_farm, Read(left, Settings));
                if (steps % 7 == chance)
                    Fsck(left.Content);
            }
        }
        Assert.True(kept > 4 && crossed > 0, $"{kept} cuts after the exchange began, {crossed} between its two writes: too few to prove anything");
    }

    [SkippableFact]
    public void A_damaged_reference_to_a_parent_is_no_reason_to_refuse()
    {
        byte[] content = Volume(tiny: true);
        content[content.AsSpan().IndexOf("..         "u8) + 2] = (byte)'X';
        CutMedium medium = new(content);
        Update(medium);
        Assert.Equal(_new, Read(medium, Kept));
        Assert.Equal(_old, Read(medium, Trial));
    }

    [SkippableFact]
    public void A_hundred_cuts_in_a_row_cost_no_room()
    {
        const int Seed = 20261126;
        Random random = new(Seed);
        byte[] content = Volume(tiny: true);
        for (int i = 0; i < 100; i++)
        {
            CutMedium medium = new(content);
            FatVolume volume = Open(medium);
            volume.Settle(Kept, Trial);
            volume.Write(Settings, _farm);
            volume.Write(Trial, _new);
            content = medium.CutAfter(random.Next(medium.Steps), random);
        }
        CutMedium last = new(content);
        Update(last);
        Fsck(last.Content);
    }

    [SkippableTheory]
    [InlineData(16)]
    [InlineData(12)]
    public void Other_kinds_of_fat_are_refused(int bits)
    {
        Judge.Need("mkfs.vfat");
        string file = _folder["other"];
        using (FileStream stream = File.Create(file))
            stream.SetLength(bits == 16 ? 32 << 20 : 1 << 20);
        Judge.Ask("mkfs.vfat", "-F", $"{bits}", file);
        FatException e = Assert.Throws<FatException>(() => Open(File.ReadAllBytes(file)));
        Assert.Contains("not FAT32", e.Message, StringComparison.Ordinal);
        Assert.Throws<FatException>(() => Open(new byte[1 << 20]));
    }

    [SkippableFact]
    public void Mutated_volumes_throw_nothing_but_their_own_exception_and_end()
    {
        const int Seed = 20261127;
        byte[] good = Volume(tiny: true);
        // What describes the volume, and the directories: that is where a byte matters.
        (int From, int Length)[] places = [(0, 512), (32 * 512, 4096), (32 * 512 + 2 * TinyTableBytes(good), 8192)];
        Random random = new(Seed);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] mutated = [.. good];
            for (int n = random.Next(1, 6); n > 0; n--)
            {
                (int from, int length) = places[random.Next(places.Length)];
                mutated[from + random.Next(length)] = (byte)random.Next(256);
            }
            try
            {
                FatVolume volume = Open(mutated);
                if (volume.Find(Kept) is { IsDirectory: false } file)
                    volume.Read(file, 1 << 20);
                if (i % 20 == 0)
                {
                    volume.Settle(Kept, Trial);
                    volume.Write(Trial, _new);
                    volume.Exchange(Kept, Trial);
                }
            }
            catch (FatException)
            {
                continue;
            }
        }
    }

    /// <summary>Everything an update does to the volume; returns after how many steps the exchange began.</summary>
    private int Update(CutMedium medium)
    {
        FatVolume volume = Open(medium);
        volume.Settle(Kept, Trial);
        volume.Write(Settings, _farm);
        volume.Write("EFI/ZEROOS/TRIAL.REL", _farm.AsMemory(0, 100));
        volume.Write(Trial, _new);
        int steps = medium.Steps;
        if (!volume.Read(volume.Find(Kept)!, 1 << 20).AsSpan().SequenceEqual(_new))
            volume.Exchange(Kept, Trial);
        return steps;
    }

    private void Holds(CutMedium medium, byte[] kept, byte[] trial)
    {
        Assert.Equal(kept, Type(medium, Kept));
        Assert.Equal(trial, Type(medium, Trial));
    }

    private byte[] Volume(bool tiny = false)
    {
        Judge.Need("mkfs.vfat", "mcopy", "fsck.fat");
        string file = _folder["volume"];
        using (FileStream stream = File.Create(file))
            stream.SetLength(tiny ? 1 << 20 : VolumeBytes);
        Judge.Ask("mkfs.vfat", "-F", "32", "-s", "1", "-n", "ZEROOS", "-i", "5A4F5321", file);
        File.WriteAllBytes(_folder["old"], _old);
        File.WriteAllBytes(_folder["farm"], _farm);
        if (tiny)
        {
            // mtools does not take so small a volume for FAT32; fsck.fat does.
            CutMedium medium = new(File.ReadAllBytes(file));
            FatVolume volume = Open(medium);
            volume.Write(Kept, _old);
            volume.Write("EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred", _farm);
            return medium.Content;
        }
        Judge.Ask("mmd", "-i", file, "::EFI", "::EFI/BOOT", "::EFI/BOOT/BOOTX64.EFI.extra.d");
        Judge.Ask("mcopy", "-i", file, _folder["old"], "::" + Kept);
        Judge.Ask("mcopy", "-i", file, _folder["farm"], "::EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred");
        return File.ReadAllBytes(file);
    }

    private static int TinyTableBytes(byte[] volume) => BitConverter.ToInt32(volume, 36) * 512;

    private static FatVolume Open(byte[] content) => Open(new CutMedium(content));

    private static FatVolume Open(CutMedium medium) => FatVolume.Open(medium, medium.Content.Length);

    private static byte[] Read(CutMedium medium, string path)
    {
        FatVolume volume = Open(medium);
        return volume.Read(volume.Find(path)!, 1 << 20);
    }

    private string Save(byte[] content)
    {
        string file = _folder["judged"];
        File.WriteAllBytes(file, content);
        return file;
    }

    private byte[] Type(CutMedium medium, string path)
    {
        string file = _folder["typed"];
        Judge.Ask("mcopy", "-n", "-o", "-i", Save(medium.Content), "::" + path, file);
        return File.ReadAllBytes(file);
    }

    private void Fsck(byte[] content) => Judge.Ask("fsck.fat", "-n", Save(content));
}
