# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that what DKMS built and installed is what a host would load: by modprobe with a parameter,
# with the options of modprobe.d, and by the GPU's alias, as udev does.
#
# boot: redbud
# alone: yes
# overlay: package

# Not the shell's own
modprobe() {
	/sbin/modprobe "$@"
}

modinfo() {
	/sbin/modinfo "$@"
}

masks() {
	for n in 0 1 2 3; do
		is "mask of g$n" "$(lab get "g$n" mask)" 0x00150005
		is "state of g$n" "$(sysfs "$n" state)" isolated
	done
}

guest() {
	like "modprobe is kmod's" "$(modprobe --version)" "^kmod version"
	is "the module is DKMS's" "$(modinfo -n nvlink_isolation)" \
		"/lib/modules/$(uname -r)/updates/dkms/nvlink_isolation.ko"
	ok "modprobe with isolate=1" load isolate=1
	masks
	ok "a GPU resets" reset 0
	masks
	unload

	fresh
	echo "options nvlink_isolation isolate=1" >/etc/modprobe.d/nvlink-isolation.conf
	ok "modprobe by the GPU's alias" modprobe "$(cat "$(dev 0)/modalias")"
	is "the option was taken" "$(parameter isolate)" 1
	masks
	unload
	nok "no alias for a PCIe V100" modprobe pci:v000010DEd00001DB4sv000010DEsd00001212bc03sc02i00
}
