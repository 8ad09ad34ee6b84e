using System.CommandLine;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Media.Serve;
using ZeroOS.Media.SystemImage.Media;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos image serve: computers of a network boot ZeroOS, beside the DHCP server that is there already.</summary>
internal static class ImageServeVerb
{
    public static Command Build(Terminal terminal)
    {
        Option<string> network = new("--interface") { Required = true, HelpName = "NAME", Description = "wired network interface to serve" };
        Option<string> folder = new("--image")
        {
            HelpName = "DIR",
            DefaultValueFactory = _ => "out/netboot",
            Description = "folder of network boot files (make image)"
        };
        Option<int> port = new("--http-port") { HelpName = "N", DefaultValueFactory = _ => 80, Description = "HTTP port" };
        Option<string?> farm = new("--farm") { HelpName = "FILE", Description = "farm settings (zos farm new); computers that boot from here join this farm" };
        Option<string?> efi = new("--efi") { HelpName = "FILE", Description = "EFI file to serve to UEFI firmware, sealed for your farm (zos image seal)" };
        Command command = new("serve",
            "Boot the computers of a network by PXE (BIOS and UEFI) and UEFI HTTP boot, beside the network's DHCP server. Shows their progress until Ctrl-C.")
        {
            network, folder, port, farm, efi,
        };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            int http = parsed.GetValue(port);
            if (http is < 1 or > 65535)
                throw new CliException($"there is no port {http}; ports are 1 to 65535", CliException.Usage);
            BootFiles files = BootFiles.OfFolder(parsed.GetValue(folder)!);
            string? own = parsed.GetValue(efi);
            if (own is not null && !File.Exists(own))
                throw new CliException($"there is no EFI file {own}; zos image seal makes your farm's own");
            if (own is not null)
                files.Put(new BootFile(BootFiles.Efi, own));
            if (parsed.GetValue(farm) is string settings)
                ServedSettings.AddTo(files, parsed.GetValue(folder)!, SettingsBuilder.ReadSettings(settings), own);
            using ServeInterface served = ServeInterface.Open(parsed.GetRequiredValue(network));
            await new BootServer(served, files, http, new ServeReport(terminal, session.Json, TimeProvider.System), TimeProvider.System)
                .RunAsync(session.Cancellation);
            return 0;
        }, lasting: true);
        return command;
    }
}
